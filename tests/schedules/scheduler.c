#undef _FORTIFY_SOURCE  /* it forbids to jump to another stack */
#include "scheduler.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

enum {
    STACK = 64 << 10,      /* bytes */
    LOCALS = 64,           /* bytes of thread-local variables */
    BUFFER = 16,           /* stores that wait */
    CHOICES = 4000,        /* in one schedule */
    STEPS = 1500,          /* operations in one schedule: no program needs as many */
    ARENA = 32 << 10,      /* bytes that a program may allocate */
    UNIT = 16,             /* bytes: each block begins at a multiple */
    VARIABLES = 4000,      /* in these blocks */
    CLOCK_LIMIT = 2000,    /* releases of one thread in one schedule */
    GLOBALS = 16,          /* words outside the arena */
    PAST = 1000,           /* stores to the arena in one schedule */
};

/* ---- Choices ----
 *
 * A schedule is the list of the choices made in it.  The next schedule repeats it up to the last choice that has
 * another option, takes that option, and goes on with the first option of each choice that follows. */

static struct { int chosen, options; } choices[CHOICES];
static int choices_made, choices_known;

static int
choose(int options)
{
    if (options == 1) {
        return 0;
    }
    if (choices_made == choices_known) {
        if (choices_known == CHOICES) {
            fail("too many choices");
        }
        choices[choices_known].chosen = 0;
        choices[choices_known++].options = options;
    }
    if (choices[choices_made].options != options) {
        fail("the program does not do the same when it is run again");
    }
    return choices[choices_made++].chosen;
}

static int
next_schedule(void)
{
    while (choices_known > 0 && choices[choices_known - 1].chosen + 1 == choices[choices_known - 1].options) {
        choices_known--;
    }
    if (choices_known == 0) {
        return 0;
    }
    choices[choices_known - 1].chosen++;
    return 1;
}

/* ---- Threads ---- */

/* For each thread, how many of its releases are known.  As a vector of gcc's, it is compared by one instruction. */
typedef uint16_t clocks __attribute__((vector_size(THREADS * sizeof(uint16_t))));

typedef struct {
    void *place;
    int size;
    int64_t value;
    clocks released;
} waiting_store;

static struct {
    jmp_buf begin;  /* of its coroutine, which is made only once */
    jmp_buf here;   /* where it goes on */
    char stack[STACK];
    enum { READY, WAITING, STOPPED, ENDED } state;
    void *waits_for;
    int detached;   /* whether CPython can stop the thread where it is */
    char locals[LOCALS];
    waiting_store buffer[BUFFER];
    int stores;     /* that wait in `buffer` */
    int arriving;   /* whether the oldest of them is just being written to memory */
    clocks known;
} threads[THREADS];

/* A thread's number is that of its coroutine, but MAIN can go on under another thread's number. */
static int running, number, thread_count, steps, noted, tracing;
static jmp_buf explorer;
static limits left;
static const char *failure;
static void (*program_body)(int), (*program_finish)(void);

const char *operation, *function;
int line;

extern char __start_thread_local_variables[], __stop_thread_local_variables[];
/* The section exists even if no variable of the program is in it. */
static char no_variable[8] __attribute__((section("thread_local_variables"), used));

static void
change_number(int to)
{
    size_t size = __stop_thread_local_variables - __start_thread_local_variables;
    memcpy(threads[number].locals, __start_thread_local_variables, size);
    memcpy(__start_thread_local_variables, threads[to].locals, size);
    number = to;
}

static void
switch_to(int thread)
{
    int before = running, line_before = line;
    const char *operation_before = operation, *function_before = function;
    running = thread;
    change_number(thread);
    if (_setjmp(threads[before].here) == 0) {  /* unlike swapcontext(), this does not call the kernel */
        _longjmp(threads[thread].here, 1);
    }
    operation = operation_before, function = function_before, line = line_before;
}

_Noreturn void
fail(const char *reason)
{
    static char message[300];
    snprintf(message, sizeof message, "%s\n  (thread %d, after or in %s in %s(), line %d)", reason, number,
             operation, function, line);
    failure = message;
    _longjmp(explorer, 1);
}

void
note(void)
{
    noted = 1;
}

int
current_thread(void)
{
    return number;
}

void
become(int thread)
{
    change_number(thread);
}

int
has_stopped(int thread)
{
    return threads[thread].state == STOPPED;
}

int
anybody_stopped(void)
{
    for (int thread = 0; thread < thread_count; thread++) {
        if (has_stopped(thread)) {
            return 1;
        }
    }
    return 0;
}

enum { NOBODY = -1 };
static int stopper;  /* the thread that stops all others, or NOBODY */

/* The threads that can run, but not the running one. */
static int
others_ready(int ready[])
{
    int count = 0;
    for (int thread = 0; thread < thread_count; thread++) {
        int is_stopped = stopper != NOBODY && thread != stopper && threads[thread].detached;
        if (thread != running && threads[thread].state == READY && !is_stopped) {
            ready[count++] = thread;
        }
    }
    return count;
}

static void drain(int thread);
static int waits_in_vain(int thread);

/* The running thread cannot go on: run another. */
static void
run_another(void)
{
    int ready[THREADS];
    if (others_ready(ready) == 0) {
        for (int thread = 0; thread < THREADS; thread++) {
            drain(thread);  /* the processor would have done that by now; one of the stores may be awaited */
        }
    }
    if (threads[running].state == READY) {
        return;
    }
    int count = others_ready(ready);
    if (count > 0) {
        switch_to(ready[choose(count)]);
        return;
    }
    for (int thread = 0; thread < THREADS; thread++) {
        if (threads[thread].state == WAITING && threads[thread].waits_for != NULL) {
            if (!waits_in_vain(thread)) {
                fail("a thread waits for ever");
            }
            _longjmp(explorer, 1);
        }
    }
    switch_to(MAIN);
}

/* What the scheduler does before each operation. */
static void
step(void)
{
    int ready[THREADS];
    if (++steps > STEPS) {
        fail("a thread runs for ever");
    }
    if (running == MAIN) {
        return;
    }
    if (left.stops > 0 && choose(2)) {
        left.stops--;
        threads[running].state = STOPPED;
        run_another();
    }
    if (left.preemptions > 0) {
        int chosen = choose(1 + others_ready(ready));
        if (chosen > 0) {
            left.preemptions--;
            switch_to(ready[chosen - 1]);
        }
    }
}

void
wait_for_store(void *place)
{
    threads[running].state = WAITING;
    threads[running].waits_for = place;
    run_another();
}

static void
wake(const void *place)
{
    for (int thread = 0; thread < THREADS; thread++) {
        if (threads[thread].state == WAITING && threads[thread].waits_for == place) {
            threads[thread].state = READY;
            threads[thread].waits_for = NULL;
        }
    }
}

/* ---- Stopping all other threads ----
 *
 * A thread stops only where CPython can stop it: in Python code, or where it may wait for a mutex.  There it is
 * detached.  (CPython may also let a thread that is asked to stop go on to its next such point.  That is the same as if
 * it had been asked later.) */

static char others_stop, others_go_on;  /* threads wait for these */

static int
all_others_stop(void)
{
    for (int thread = 0; thread < thread_count; thread++) {
        if (thread != stopper && !threads[thread].detached) {
            return 0;
        }
    }
    return 1;
}

/* The running thread can stop, until it calls attach(). */
static void
detach(void)
{
    threads[running].detached = 1;
    if (stopper != NOBODY && all_others_stop()) {
        wake(&others_stop);
    }
}

static void
attach(void)
{
    while (stopper != NOBODY) {
        wait_for_store(&others_go_on);
    }
    threads[running].detached = 0;
}

void
may_stop(void)
{
    if (running == MAIN || !left.threads_stop) {
        return;
    }
    detach();
    if (stopper == NOBODY) {
        step();
    }
    attach();
}

/* ---- Memory ----
 *
 * All memory that a program allocates is in one arena, and is never used again in the same run.  Each variable that is
 * used has a record of who has used it: enough to tell two accesses of which one should have happened before the other.
 * (Every access to a variable is to all of it.)  Its block tells a use after free. */

typedef struct {
    char *begin;
    size_t size;
    int is_freed;
    int thread;      /* that has allocated it, and when */
    uint16_t stamp;
} block;

typedef struct {
    uint8_t holder;  /* the last thread that changed the variable by a locked instruction: who took the lock */
    clocks read;     /* when each thread last read it, wrote it, and did so atomically */
    clocks written;
    clocks loaded;
    clocks stored;
    clocks released; /* what a thread knows that acquires the last value */
    uint16_t newest; /* the last store, or 0; see "Old values" */
    uint16_t seen[THREADS];  /* and the last one that each thread has seen */
} record;

static _Alignas(128) char arena[ARENA];
static size_t arena_used;
static block blocks[1 + ARENA / UNIT];
static uint16_t block_numbers[ARENA / UNIT];
static int blocks_used, blocks_freed;
static record records[1 + VARIABLES];   /* those of one program are close together, for the processor's cache */
static uint16_t record_numbers[ARENA];  /* of the variable that begins at each byte; 0 if it has no record yet */
static int records_used;
static struct { void *place; int size; int64_t value; } globals[GLOBALS];  /* and their values before the program */
static int globals_known;

static int
is_in_arena(const void *place)
{
    return (char *)place >= arena && (char *)place < arena + ARENA;
}

static block *
block_of(const void *place)
{
    return &blocks[block_numbers[((char *)place - arena) / UNIT]];
}

static record *
record_of(const void *place)
{
    uint16_t *number = &record_numbers[(char *)place - arena];
    if (*number == 0) {
        const block *whole = block_of(place);
        if (records_used == VARIABLES) {
            fail("too many variables");
        }
        *number = (uint16_t)++records_used;
        records[*number] = (record){0};
        records[*number].written[whole->thread] = whole->stamp;
    }
    return &records[*number];
}

/* Whether what a thread waits for cannot come, because another thread has stopped for ever: with a lock held, or where
 * CPython cannot stop it. */
static int
waits_in_vain(int thread)
{
    const void *awaited = threads[thread].waits_for;
    if (is_in_arena(awaited)) {
        return threads[record_of(awaited)->holder].state == STOPPED;
    }
    for (int other = 0; other < thread_count; other++) {
        if (threads[other].state == STOPPED && !threads[other].detached) {
            return stopper != NOBODY;
        }
    }
    return 0;
}

static int
is_null(const void *place)
{
    return (uintptr_t)place < 4096;  /* it may be a field of such an object */
}

static int64_t
read_word(const void *place, int size)
{
    return size == 8 ? *(int64_t *)place : size == 4 ? *(int32_t *)place : *(int8_t *)place;
}

static void
change_word(void *place, int size, int64_t value)
{
    if (size == 8) {
        *(int64_t *)place = value;
    }
    else if (size == 4) {
        *(int32_t *)place = (int32_t)value;
    }
    else {
        *(int8_t *)place = (int8_t)value;
    }
}

static void
remember_global(void *place, int size)
{
    for (int index = 0; index < globals_known; index++) {
        if (globals[index].place == place) {
            return;
        }
    }
    if (globals_known == GLOBALS) {
        fail("too many global variables");
    }
    globals[globals_known].place = place;
    globals[globals_known].size = size;
    globals[globals_known++].value = read_word(place, size);
}

static int past_stores;

static void
reset_memory(void)
{
    past_stores = 0;
    memset(arena, 0, arena_used);
    memset(record_numbers, 0, arena_used * sizeof *record_numbers);
    memset(block_numbers, 0, arena_used / UNIT * sizeof *block_numbers);
    arena_used = blocks_used = blocks_freed = records_used = 0;
    for (int index = 0; index < globals_known; index++) {
        change_word(globals[index].place, globals[index].size, globals[index].value);
    }
}

int
allocation_fails(void)
{
    if (left.failures == 0 || running == MAIN || !choose(2)) {
        return 0;
    }
    left.failures--;
    if (tracing) {
        printf("thread %d: memory runs out in or after %s(), line %d\n", number, function, line);
    }
    return 1;
}

void *
allocate(size_t size)
{
    char *memory = arena + arena_used;
    size_t whole = (size + 2 * UNIT - 1) / UNIT * UNIT;  /* with a gap, so that an access past the end is found */
    if (arena_used + whole > ARENA) {
        fail("the arena is full");
    }
    blocks[++blocks_used] = (block){memory, size, 0, running, threads[running].known[running]};
    for (size_t end = arena_used + whole; arena_used < end; arena_used += UNIT) {
        block_numbers[arena_used / UNIT] = (uint16_t)blocks_used;
    }
    return memory;
}

void
release(void *memory)
{
    if (memory == NULL) {
        return;
    }
    block *whole = block_of(memory);
    if (whole->begin != memory || whole->is_freed) {
        fail("memory is freed that is not in use");
    }
    memset(memory, 0xDD, whole->size);
    whole->is_freed = 1;
    blocks_freed++;
}

static int
knows(clocks events)
{
    return (int64_t)(events > threads[running].known) == 0;
}

static void
join(clocks *to, clocks from)
{
    clocks is_later = (clocks)(from > *to);
    *to = (from & is_later) | (*to & ~is_later);
}

/* A thread has released what it knows; what it does from now on belongs to its next release. */
static void
tick(int thread)
{
    if (threads[thread].known[thread]++ == CLOCK_LIMIT) {
        fail("too many releases");
    }
}

/* Check and record an access. */
static void
check(const void *place, int size, int writes, int atomic)
{
    if (is_null(place)) {
        fail("NULL is used as an object");
    }
    if (!is_in_arena(place)) {
        if (atomic) {
            remember_global((void *)place, size);
        }
        return;
    }
    const block *whole = block_of(place);
    if (whole->is_freed) {
        fail("memory is used that has been freed");
    }
    if ((char *)place >= whole->begin + whole->size) {
        fail("memory is used that is not allocated");
    }
    record *it = record_of(place);
    if (!knows(it->written) || (!atomic && !knows(it->stored)) || (writes && !knows(it->read))
        || (writes && !atomic && !knows(it->loaded))) {
        fail("a data race: nothing orders this access and another thread's to the same memory");
    }
    clocks *kinds[] = {&it->read, &it->written, &it->loaded, &it->stored};
    (*kinds[2 * atomic + writes])[running] = threads[running].known[running];
}

void
check_access(const void *place, int writes)
{
    if (is_in_arena(place) || is_null(place)) {
        for (int index = 0; index < threads[running].stores; index++) {
            if (threads[running].buffer[index].place == place) {
                drain(running);
            }
        }
        check(place, 0, writes, 0);
        if (writes) {
            record_of(place)->newest = 0;  /* whoever loads it next knows that it has been written */
        }
    }
}

/* ---- Atomic operations, and the stores that wait ----
 *
 * A store that waits in the buffer of a thread makes a difference only when another thread uses the word.  So only then
 * the scheduler decides whether the store, and those before it, have arrived in memory.  Of a thread's stores always
 * the oldest arrives first. */

static void
trace(const void *place, const char *what, int64_t value)
{
    if (tracing) {
        char name[40] = "a global variable";
        if (is_in_arena(place)) {
            const block *whole = block_of(place);
            snprintf(name, sizeof name, "block %d + %d", (int)(whole - blocks), (int)((char *)place - whole->begin));
        }
        printf("thread %d: %-16s %3d  %-16s %s: %s %lld\n", number, function, line, operation, name, what,
               (long long)value);
    }
}

/* ---- Old values ----
 *
 * C lets a load return an older value than the last, unless the thread knows better: it has itself seen or stored a
 * newer one, or a newer one happened before the load.  A sequentially consistent load never returns an older value than
 * that of the last sequentially consistent store.  x86 has no old values but those that the buffers make; other
 * processors have. */

typedef struct {
    int64_t value;
    clocks released;
    uint16_t older;    /* the store to the same variable before this one; 0 for the first, which was not atomic */
    uint8_t thread;
    uint16_t stamp;
    uint8_t is_locked; /* whether it was sequentially consistent */
} past_store;

static past_store past[PAST + 1];

static void
remember_store(record *it, int64_t value, clocks released, int is_locked, int stamp)
{
    if (past_stores == PAST) {
        fail("too many stores");
    }
    past_store *new = &past[++past_stores];
    *new = (past_store){value, released, it->newest, (uint8_t)running, (uint16_t)stamp, (uint8_t)is_locked};
    it->newest = (uint16_t)past_stores;
}

/* A store to the word follows: remember the value before it, if that is the first. */
static void
remember_first_value(const void *place, int size)
{
    if (left.memory != OLD_VALUES || !is_in_arena(place)) {
        return;
    }
    record *it = record_of(place);
    if (it->newest == 0) {
        remember_store(it, read_word(place, size), it->released, 1, 0);
    }
}

/* The value that a load returns.  Sets what a thread knows that acquires it. */
static int64_t
choose_value(const void *place, int size, enum order order, clocks *released)
{
    record *it = record_of(place);
    int count = 1, chosen = it->newest;
    if (left.memory != OLD_VALUES || it->newest == 0) {
        *released = it->released;
        return read_word(place, size);
    }
    for (const past_store *store = &past[chosen]; left.old_values > 0; store = &past[store->older], count++) {
        if (store->stamp <= threads[running].known[store->thread] || store == &past[it->seen[running]]
            || (order == LOCKED && store->is_locked)) {
            break;
        }
    }
    int steps_back = choose(count);
    left.old_values -= steps_back > 0;
    while (steps_back-- > 0) {
        chosen = past[chosen].older;
    }
    it->seen[running] = (uint16_t)chosen;
    *released = past[chosen].released;
    return past[chosen].value;
}

static void
write_word(void *place, int size, int64_t value, clocks released)
{
    remember_first_value(place, size);
    change_word(place, size, value);
    if (is_in_arena(place)) {
        record_of(place)->released = released;
        if (left.memory == OLD_VALUES) {
            remember_store(record_of(place), value, released, 0, stamp());
        }
    }
    wake(place);
}

static void let_arrive(const void *place);

/* Let the oldest store of a thread's buffer arrive. */
static void
arrive(int thread)
{
    waiting_store first = threads[thread].buffer[0];
    threads[thread].arriving = 1;
    let_arrive(first.place);
    threads[thread].arriving = 0;
    memmove(threads[thread].buffer, threads[thread].buffer + 1, --threads[thread].stores * sizeof(waiting_store));
    if (tracing) {
        printf("thread %d's store arrives:\n", thread);
        trace(first.place, "becomes", first.value);
    }
    write_word(first.place, first.size, first.value, first.released);
}

static void
drain(int thread)
{
    while (threads[thread].stores > 0) {
        arrive(thread);
    }
}

static const waiting_store *
newest_store(int thread, const void *place)
{
    for (int index = threads[thread].stores - 1; index >= 0; index--) {
        if (threads[thread].buffer[index].place == place) {
            return &threads[thread].buffer[index];
        }
    }
    return NULL;
}

/* The word is about to be used: let stores to it arrive before, or not. */
static void
let_arrive(const void *place)
{
    while (left.memory == STORE_BUFFERS) {
        int candidates[THREADS], count = 0;
        for (int thread = 0; thread < THREADS; thread++) {
            if (!threads[thread].arriving && newest_store(thread, place) != NULL) {
                candidates[count++] = thread;
            }
        }
        int chosen = choose(1 + count);
        if (chosen == 0) {
            return;
        }
        arrive(candidates[chosen - 1]);
    }
}

int64_t
load(const void *place, int size, enum order order)
{
    step();
    check(place, size, 0, 1);
    const waiting_store *own = newest_store(running, place);
    if (own != NULL) {
        trace(place, "is", own->value);
        return own->value;
    }
    let_arrive(place);
    clocks released = {0};
    int64_t value = is_in_arena(place) ? choose_value(place, size, order, &released) : read_word(place, size);
    if (order != RELAXED) {
        join(&threads[running].known, released);
    }
    trace(place, "is", value);
    return value;
}

void
store(void *place, int size, int64_t value, enum order order)
{
    static const clocks nothing;
    step();
    check(place, size, 1, 1);
    waiting_store new = {place, size, value, order == RELAXED ? nothing : threads[running].known};
    if (order == LOCKED || left.memory != STORE_BUFFERS) {
        drain(running);
        let_arrive(place);
        trace(place, "becomes", value);
        write_word(place, size, value, new.released);
    }
    else {
        if (threads[running].stores == BUFFER) {
            arrive(running);
        }
        trace(place, "will become", value);
        threads[running].buffer[threads[running].stores++] = new;
        wake(place);
    }
    if (order != RELAXED) {
        tick(running);
    }
}

void *
start_locked(void *place, int size)
{
    step();
    check(place, size, 1, 1);
    drain(running);
    let_arrive(place);
    remember_first_value(place, size);
    if (is_in_arena(place)) {
        join(&threads[running].known, record_of(place)->released);
    }
    return place;
}

void
end_locked(void *place, int size, int changed)
{
    trace(place, changed ? "is changed; it begins with" : "is not changed; it begins with", *(int *)place);
    if (changed) {
        if (is_in_arena(place)) {
            record_of(place)->holder = (uint8_t)running;
            join(&record_of(place)->released, threads[running].known);
            if (left.memory == OLD_VALUES) {
                remember_store(record_of(place), read_word(place, size), record_of(place)->released, 1, stamp());
            }
        }
        tick(running);
        wake(place);
    }
}

void
while_others_stop(void (*function)(void *), void *argument)
{
    may_stop();  /* two threads that stop all others take turns */
    stopper = running;
    if (running != MAIN && !all_others_stop()) {
        wait_for_store(&others_stop);
    }
    if (tracing) {
        printf("thread %d has stopped all others\n", number);
    }
    for (int thread = 0; thread < THREADS; thread++) {
        drain(thread);
        if (thread != running) {
            join(&threads[running].known, threads[thread].known);
            tick(thread);
        }
    }
    function(argument);
    for (int thread = 0; thread < THREADS; thread++) {
        join(&threads[thread].known, threads[running].known);
    }
    tick(running);
    stopper = NOBODY;
    wake(&others_go_on);
}

/* ---- Accesses that are not atomic ----
 *
 * programs.c is compiled with -fsanitize=thread, but without the library that belongs to it.  So these functions are
 * called before each of its accesses that is not atomic.  They ignore what is not in the arena. */

#define HOOKS(size) \
    void __tsan_read##size(void *place) { check_access(place, 0); } \
    void __tsan_write##size(void *place) { check_access(place, 1); }
HOOKS(1) HOOKS(2) HOOKS(4) HOOKS(8) HOOKS(16)
/* A struct is written: its fields begin at multiples of eight bytes. */
void __tsan_write_range(char *place, size_t size)
{
    for (size_t offset = 0; offset < size; offset += 8) {
        check_access(place + offset, 1);
    }
}
void __tsan_read_range(char *place, size_t size)
{
    for (size_t offset = 0; offset < size; offset += 8) {
        check_access(place + offset, 0);
    }
}
void __tsan_func_entry(void *caller) { (void)caller; }
void __tsan_func_exit(void) { }
void __tsan_init(void) { }

/* ---- What happened before what ---- */

int
stamp(void)
{
    return threads[running].known[running];
}

int
happened_before(int thread, int stamp)
{
    return stamp <= threads[running].known[thread];
}

/* ---- Running a program ---- */

static void
run_thread(void)
{
    if (running == MAIN) {
        program_body(MAIN);
        change_number(MAIN);
        drain(MAIN);
        for (int thread = 0; thread < thread_count; thread++) {
            join(&threads[thread].known, threads[MAIN].known);
            threads[thread].known[thread] = 1;
            threads[thread].state = READY;
        }
        tick(running);
        threads[MAIN].state = WAITING;
        run_another();
        threads[MAIN].state = READY;
        for (int thread = 0; thread < thread_count; thread++) {
            drain(thread);
            join(&threads[MAIN].known, threads[thread].known);
        }
        program_finish();
        if (!anybody_stopped() && blocks_freed != blocks_used) {
            fail("memory leaks");
        }
        _longjmp(explorer, 1);
    }
    attach();
    program_body(running);
    threads[running].state = ENDED;
    detach();
    run_another();
}

static void
begin_coroutine(void)
{
    if (_setjmp(threads[running].begin) == 0) {
        _longjmp(explorer, 1);
    }
    run_thread();  /* each run jumps to here, as long as this function has not returned, which it never does */
}

static void
make_coroutines(void)
{
    static ucontext_t context;
    for (running = 0; running < THREADS; running++) {
        getcontext(&context);
        context.uc_stack.ss_sp = threads[running].stack;
        context.uc_stack.ss_size = STACK;
        makecontext(&context, begin_coroutine, 0);
        if (_setjmp(explorer) == 0) {
            setcontext(&context);
        }
    }
}

static void
run(void (*body)(int), int count, void (*finish)(void), limits allowed)
{
    reset_memory();
    left = allowed;
    choices_made = steps = noted = 0;
    running = number = MAIN;
    thread_count = count;
    stopper = NOBODY;
    program_body = body;
    program_finish = finish;
    failure = NULL;
    memset(__start_thread_local_variables, 0, __stop_thread_local_variables - __start_thread_local_variables);
    for (int thread = 0; thread < THREADS; thread++) {
        memset(threads[thread].locals, 0, LOCALS);
        threads[thread].known = (clocks){0};
        threads[thread].stores = threads[thread].arriving = 0;
        threads[thread].waits_for = NULL;
        threads[thread].state = ENDED;
        threads[thread].detached = 1;
        memcpy(threads[thread].here, threads[thread].begin, sizeof(jmp_buf));
    }
    threads[MAIN].known[MAIN] = 1;
    threads[MAIN].state = READY;
    if (_setjmp(explorer) == 0) {
        _longjmp(threads[MAIN].here, 1);
    }
}

outcome
explore(void (*body)(int), int count, void (*finish)(void), limits allowed)
{
    outcome result = {0};
    choices_known = 0;
    make_coroutines();
    do {
        run(body, count, finish, allowed);
        result.schedules++;
        result.noted += noted;
        result.are_all = failure == NULL && !next_schedule();
    } while (failure == NULL && !result.are_all && result.schedules != allowed.schedules);
    result.failure = failure;
    return result;
}

void
print_last_schedule(void (*body)(int), int count, void (*finish)(void), limits allowed)
{
    tracing = 1;
    run(body, count, finish, allowed);
    tracing = 0;
}
