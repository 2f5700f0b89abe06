/* What a program is, and how it is run under every schedule.  programs.c and map_programs.c include this file. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "Python.h"

enum note { DOES_NOT_NOTE, NOTES, NOTES_UNLESS_ORDERLY, NEVER_NOTES };

typedef struct {
    const char *name;
    void (*body)(int thread);
    int threads;
    void (*before)(void);
    const char *before_name;
    int failures, stops;        /* of allocations, hashes or comparisons, and of threads */
    int preemptions;            /* 2 if it is 0 */
    enum note notes;            /* whether a schedule calls note() */
    int resets;                 /* only in map_programs.c: whether a thread resets the map, which stops all others */
    /* Only in programs.c: */
    int kinds;                  /* of cells; if it is 0 all, but with three threads only those that are exact */
    void (*after)(void);
    int nobody_owns;            /* otherwise thread 0 owns counter A, and thread 1 owns B */
    int processors;             /* 1 if it is 0; so many pairs of stripes are allowed */
} program;

#define P(function) .name = #function, .body = function
#define AFTER(function) .before_name = #function, .before = function

static const program *current;
static enum memory memory;
static long most_schedules;     /* of each program; 0 for all */

/* Each file of programs defines these two.  The first prepares a program and is the body of its threads. */
static void body(int thread);
static void finish(void);

/* Check that a call has raised MemoryError if it has failed, and only then. */
static int
check_error(int failed)
{
    EXPECT(failed == (PyErr_Occurred() != NULL));
    PyErr_Clear();
    return failed;
}

/* ---- What is added to a count ---- */

#define NO_COUNT (-((wide)1 << 100))
#define LARGE_AMOUNT ((wide)2 * ADD_LIMIT)
#define HUGE_COUNT ((wide)4 * COUNT_LIMIT)

typedef struct {
    wide begun, ended;         /* sums of the amounts of all additions that have begun, and that have ended */
    wide taken;                /* by resets and assignments, less what they set */
    wide last_read[THREADS];   /* the highest count that each thread has got */
    struct { int thread, stamp; wide amount; } additions[16];  /* that have ended */
    int additions_ended;
} tally;

static void
addition_ends(tally *self, wide amount)
{
    self->ended += amount;
    self->additions[self->additions_ended].thread = current_thread();
    self->additions[self->additions_ended].stamp = stamp();
    self->additions[self->additions_ended++].amount = amount;
}

/* The sum of the additions that happened before now. */
static wide
added_before(const tally *self)
{
    wide sum = 0;
    for (int index = 0; index < self->additions_ended; index++) {
        if (happened_before(self->additions[index].thread, self->additions[index].stamp)) {
            sum += self->additions[index].amount;
        }
    }
    return sum;
}

/* The value of the int that a call returns, or NO_COUNT if it has failed. */
static wide
count_of(PyObject *result)
{
    if (check_error(result == NULL)) {
        return NO_COUNT;
    }
    wide count = value_of(result);
    Py_DECREF(result);
    return count;
}

/* ---- Running ---- */

static const char *
wrong_notes(enum note notes, outcome result)
{
    if (notes == NOTES_UNLESS_ORDERLY) {
        notes = memory == ORDERLY ? NEVER_NOTES : NOTES;
    }
    return notes == NOTES && result.noted == 0 && result.are_all ? "no schedule reached note()"
        : notes == NEVER_NOTES && result.noted > 0 ? "a schedule reached note()" : NULL;
}

/* Run the current program.  Print its title, which `kind` is a part of, and the number of schedules.  If it fails,
 * print its last schedule.  Returns whether it holds. */
static int
holds(const char *kind)
{
    limits allowed = {.failures = current->failures, .stops = current->stops, .threads_stop = current->resets,
                      .preemptions = current->preemptions ? current->preemptions : 2, .old_values = 2, .memory = memory,
                      .schedules = most_schedules};
    outcome result = explore(body, current->threads, finish, allowed);
    char title[200];
    snprintf(title, sizeof title, "%s%s, %d thread%s%s%s%s%s%s%s", current->name, kind, current->threads,
             current->threads > 1 ? "s" : "",
             current->nobody_owns ? ", nobody owns" : "", current->processors > 1 ? ", more stripes" : "",
             current->failures ? ", memory runs out" : "", current->stops ? ", one stops" : "",
             current->before != NULL ? ", after " : "", current->before != NULL ? current->before_name : "");
    printf("%-85s%9ld\n", title, result.schedules);
    fflush(stdout);
    const char *failure = result.failure != NULL ? result.failure : wrong_notes(current->notes, result);
    if (failure != NULL) {
        printf("FAILED: %s\n", failure);
    }
    if (result.failure != NULL) {
        print_last_schedule(body, current->threads, finish, allowed);
    }
    return failure == NULL;
}

/* What main() does with its arguments, which are [MEMORY] [MOST] [NAME]: run all programs, or those of one name, until
 * one fails.  MEMORY is a number of enum memory.  MOST is how many schedules of each program to run, 0 for all.  `run`
 * runs the current program and returns whether it holds. */
static int
run_programs(const program *programs, size_t number, int (*run)(void), int argc, char **argv)
{
    memory = argc > 1 ? (enum memory)atoi(argv[1]) : ORDERLY;
    most_schedules = argc > 2 ? atol(argv[2]) : 0;
    for (current = programs; current < programs + number; current++) {
        if ((argc < 4 || strcmp(argv[3], current->name) == 0) && !run()) {
            return 1;
        }
    }
    return 0;
}
#define RUN_PROGRAMS(run) run_programs(programs, sizeof programs / sizeof *programs, run, argc, argv)

#endif
