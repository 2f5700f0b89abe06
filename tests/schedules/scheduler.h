/* Runs a program of a few threads under every schedule.  README.md explains how. */
#ifndef SCHEDULER_H
#define SCHEDULER_H

#include <stddef.h>
#include <stdint.h>

enum { THREADS = 4, MAIN = 3 };  /* MAIN runs before the others start and after they have ended */

/* What the scheduler does beside switching from thread to thread at most `preemptions` times. */
typedef struct {
    int preemptions;
    int failures;  /* so many allocations fail, each in turn */
    int stops;     /* so many threads stop for ever, at each point in turn */
    int threads_stop; /* whether a thread stops all others, so that it matters where a thread can stop */
    int old_values; /* so many loads return an older value than the last, if `memory` is OLD_VALUES */
    long schedules; /* not more than so many are run; 0 for all */
    enum memory { ORDERLY, STORE_BUFFERS, OLD_VALUES } memory;
} limits;

/* What came of the schedules of a program. */
typedef struct {
    long schedules;
    int are_all;          /* the schedules that there are, and none has failed */
    long noted;           /* in how many of them the program called note() */
    const char *failure;  /* or NULL; then the last schedule is the one that failed */
} outcome;

/* Run body(MAIN), then the other threads by body(0), body(1), ..., then finish(), under every schedule. */
outcome explore(void (*body)(int thread), int threads, void (*finish)(void), limits allowed);
/* Run the last schedule again and print each operation of it. */
void print_last_schedule(void (*body)(int thread), int threads, void (*finish)(void), limits allowed);

/* For programs. */
#define EXPECT(condition) ((condition) ? (void)0 : fail("expected: " #condition))
_Noreturn void fail(const char *reason);
void note(void);
int current_thread(void);
int has_stopped(int thread);    /* for ever */
int anybody_stopped(void);
void become(int thread);        /* MAIN goes on as another thread, before that has started */
/* A moment in the running thread, and whether such a moment in another thread happened before now. */
int stamp(void);
int happened_before(int thread, int stamp);

/* For Python.h: memory, and each operation on a word that threads share. */
enum order { RELAXED, ORDERED, LOCKED };  /* ORDERED: acquire or release.  LOCKED: sequentially consistent */
extern const char *operation, *function;
extern int line;
void *allocate(size_t size);    /* filled with zeros */
int allocation_fails(void);
void release(void *memory);
int64_t load(const void *place, int size, enum order order);
void store(void *place, int size, int64_t value, enum order order);
void *start_locked(void *place, int size);  /* the caller then reads and writes the word; no other thread runs until */
void end_locked(void *place, int size, int changed);  /* this call */
void wait_for_store(void *place);
void check_access(const void *place, int writes);  /* an access that is not atomic */
void may_stop(void);            /* CPython can stop the thread here */
void while_others_stop(void (*function)(void *), void *argument);  /* the function only loads and stores memory */

#endif
