/* Small programs of processes that share the memory of a SharedCounterMap.  main() runs each of them under every
 * schedule, as programs.c does with its own.
 *
 * A thread stands for a process: it has a map of its own on the same memory.  Then each program runs again with threads
 * of one process, which share a map too. */
#define CLOCK() ((int64_t)0)  /* so meetings are always close together */
#include "shared_map.h"
#include "program.h"

/* ---- Labels and their counts, and what holds in every program ---- */

/* X and Y have the same hash, and Z has the same first slot. */
enum { X, Y, Z, LABELS };
static const Py_hash_t hashes[LABELS] = {0, 0, 64};

enum { LINES = 8 };                 /* of the memory */
static struct {
    tally added;
    int tried;                      /* additions, those that have failed included */
    int seen[THREADS];              /* whether a thread has found the label */
} labels[LABELS];

static int one_process;             /* whether the threads share a map */
static shared_map *maps[THREADS];   /* of each thread, and of MAIN */
static char *log_memory;
static Py_ssize_t log_size;
static int resets;                  /* that have begun */
static int *message;                /* 0 at first */
static Py_ssize_t unready[2];       /* offsets of records that are claimed and get ready later */
static void (*finalizer)(void);     /* what runs while a label is made, once in each thread */
static int finalized[THREADS];

static shared_map *
own_map(void)
{
    return maps[current_thread()];
}

static PyObject *
new_label(int label)
{
    PyErr_Clear();
    return make_label(label, hashes[label], 1);
}

static PyObject *
encode_label(PyObject *label)
{
    int64_t encoded = (int64_t)value_of(label) + 1;
    return PyBytes_FromStringAndSize((char *)&encoded, sizeof encoded);
}

static PyObject *
decode_label(PyObject *encoded)
{
    int64_t label;
    memcpy(&label, PyBytes_AS_STRING(encoded), sizeof label);
    label--;
    EXPECT(0 <= label && label < LABELS);  /* whole, although its writer may have stopped */
    if (finalizer != NULL && !finalized[current_thread()]++) {
        finalizer();
    }
    return allocation_fails() ? PyErr_NoMemory() : make_label(label, hashes[label], 1);
}

/* How much a call that begins now has to count at least. */
static wide
least(int label)
{
    return memory == ORDERLY ? labels[label].added.ended : added_before(&labels[label].added);
}

static void
check_count(int label, wide count, wide at_least)
{
    if (count == NO_COUNT) {
        return;
    }
    EXPECT(0 <= count && count <= labels[label].added.begun);
    if (resets == 0) {
        EXPECT(at_least <= count);
        EXPECT(count >= labels[label].added.last_read[current_thread()]);
        labels[label].added.last_read[current_thread()] = count;
    }
}

/* Returns whether the label is counted.  It is not if memory runs out, or the memory that the processes share is full. */
static int
increment(int label)
{
    PyObject *object = new_label(label);
    labels[label].added.begun++;
    labels[label].tried++;
    int failed = shared_map_add(own_map(), object, 1) < 0;
    if (check_error(failed)) {
        labels[label].added.begun--;
    }
    else {
        addition_ends(&labels[label].added, 1);
    }
    Py_DECREF(object);
    return !failed;
}

static wide
value(int label)
{
    PyObject *object = new_label(label);
    wide at_least = least(label);
    wide count = count_of(shared_map_get(own_map(), object, NULL));
    check_count(label, count, at_least);
    Py_DECREF(object);
    return count;
}

/* A label that a thread has found once, or that was there before, it finds again. */
static int
contains(int label)
{
    PyObject *object = new_label(label);
    int expected = least(label) > 0 || labels[label].seen[current_thread()];
    int found = shared_map_contains(own_map(), object);
    if (!check_error(found < 0)) {
        EXPECT(expected <= found);
        EXPECT(!found || labels[label].tried > 0);
        labels[label].seen[current_thread()] |= found;
    }
    Py_DECREF(object);
    return found;
}

/* Read the counts of all labels, as the methods of a SharedCounterMap do.  Each label is there once, and none is missing
 * that was there before. */
static void
read_all(void)
{
    wide at_least[LABELS];
    int found[LABELS] = {0}, count = 0;
    PyErr_Clear();
    for (int label = 0; label < LABELS; label++) {
        at_least[label] = least(label);
    }
    Py_ssize_t length = shared_map_length(own_map());
    if (check_error(length < 0)) {
        return;
    }
    table_cursor cursor = shared_map_all(own_map());
    for (table_entry *entry = shared_map_next(&cursor); entry != NULL; entry = shared_map_next(&cursor)) {
        int label = (int)value_of(entry->label);
        EXPECT(!found[label]);
        found[label] = labels[label].seen[current_thread()] = 1;
        count++;
        check_count(label, count_of(label_count(&entry->value)), at_least[label]);
    }
    EXPECT(length <= count);
    for (int label = 0; label < LABELS; label++) {
        EXPECT(found[label] || at_least[label] == 0);
    }
}

/* If there is only one reset, it takes whatever was counted before it. */
static void
reset(void)
{
    wide at_least[LABELS];
    PyErr_Clear();
    resets++;
    for (int label = 0; label < LABELS; label++) {
        at_least[label] = least(label);
    }
    PyObject *taken = shared_map_reset(own_map());
    if (!check_error(taken == NULL)) {
        dict_object *counts = (dict_object *)taken;
        for (int index = 0; index < counts->used; index++) {
            EXPECT(counts->items[index].count > 0);
            labels[counts->items[index].label].added.taken += counts->items[index].count;
        }
        Py_DECREF(taken);
        for (int label = 0; label < LABELS; label++) {
            EXPECT(labels[label].added.taken == labels[label].added.begun || current->threads > 1);
            EXPECT(labels[label].added.taken >= at_least[label] || resets > 1);
        }
    }
}

static void
open_map(int thread)
{
    int64_t number;
    maps[thread] = allocate(sizeof(shared_map));
    EXPECT(shared_map_open(maps[thread], log_memory, log_size, &number) == LOG_OPEN);
}

/* ---- Before a program ---- */

/* Of a process that takes no part. */
static void
with_one_label(void)
{
    increment(Y);
}

static Py_ssize_t
claim(void)
{
    Py_ssize_t length, offset = LINE;
    while (log_look(&maps[MAIN]->log, offset, &length) != LOG_FREE) {
        offset = log_next(offset, length);
    }
    EXPECT(log_claim(&maps[MAIN]->log, offset, sizeof(int64_t), log_size) == LOG_CLAIMED);
    return offset;
}

/* A process that takes no part counts once in the record that it has claimed. */
static void
get_ready(Py_ssize_t offset, int label)
{
    int64_t encoded = label + 1, after;
    labels[label].tried++;
    log_publish(&maps[MAIN]->log, offset, (char *)&encoded, sizeof encoded);
    labels[label].added.begun++;
    EXPECT(shared_count_add(&log_record_at(&maps[MAIN]->log, offset)->count, 1, &after) >= 0);
    addition_ends(&labels[label].added, 1);
}

static void
with_unready_record(void)
{
    unready[0] = claim();
}

static void
with_labels_and_unready_record(void)
{
    increment(Y);
    increment(Z);
    with_unready_record();
}

static void
with_unready_records(void)
{
    unready[0] = claim();
    unready[1] = claim();
}

/* Of processes that were killed. */
static void
with_dead_records(void)
{
    claim();
    unready[0] = claim();
    claim();
}

/* Y has as many records as it may have, or more, since processes raced. */
static void
with_records(int number)
{
    while (number-- > 0) {
        get_ready(claim(), Y);
    }
}

static void
with_two_records(void)
{
    with_records(2);
}

static void
with_five_records(void)
{
    with_records(5);
}

/* Each process knows Y. */
static void
with_known_label(void)
{
    if (labels[Y].tried == 0) {
        with_one_label();
    }
    for (int thread = 0; thread < current->threads; thread++) {
        become(thread);
        value(Y);
    }
    become(MAIN);
}

static void
with_known_records(void)
{
    with_two_records();
    with_known_label();
}

/* One more record of Y gets ready later. */
static void
with_known_and_unready_records(void)
{
    with_known_records();
    with_unready_record();
}

static void
uses_map(void)
{
    value(X);
    increment(Z);
}

static void
with_finalizer(void)
{
    with_one_label();
    finalizer = uses_map;
}

/* ---- Programs ---- */

static void
one_label(int thread)
{
    (void)thread;
    increment(X);
}

static void
same_label(int thread)
{
    (void)thread;
    increment(X);
    increment(X);
}

static void
known_label(int thread)
{
    (void)thread;
    increment(Y);
    increment(Y);
    increment(Y);
}

static void
different_labels(int thread)
{
    increment(X + thread);
    contains((thread + 1) % current->threads);
}

static void
opposite_order(int thread)
{
    increment(thread == 0 ? X : Z);
    increment(thread == 0 ? Z : X);
}

static void
label_of_others(int thread)
{
    increment(thread == 0 ? X : Y);
    increment(Y);
    value(X);
}

static void
look_ups_beside_additions(int thread)
{
    if (thread == 1) {
        contains(Z);
        value(X);
        contains(Z);
        value(X);
    }
    else {
        increment(X);
        increment(Z);
    }
}

static void
all_beside_additions(int thread)
{
    if (thread == 1) {
        read_all();
        contains(Z);
        read_all();
    }
    else {
        increment(X);
        increment(Z);
    }
}

static void
all_between_additions(int thread)
{
    (void)thread;
    increment(X);
    read_all();
}

static void
all_beside_two_additions(int thread)
{
    if (thread == 2) {
        read_all();
    }
    else {
        increment(X);
    }
}

static void
reset_beside_increments(int thread)
{
    if (thread == 1) {
        reset();
    }
    else {
        increment(X);
        increment(Z);
        increment(X);
    }
}

/* A label gets one more record meanwhile. */
static void
reset_beside_a_record(int thread)
{
    if (thread == 0) {
        get_ready(unready[0], Y);
        value(Y);
    }
    else {
        reset();
    }
}

static void
two_resets(int thread)
{
    increment(thread == 0 ? X : Z);
    reset();
}

static void
every_call(int thread)
{
    increment(thread == 0 ? X : Y);
    contains(Y);
    value(X);
    if (thread == 0) {
        reset();
    }
    read_all();
}

static void
known_label_in_half_full_memory(int thread)
{
    known_label(thread);
}

static void
read_many_records(int thread)
{
    if (thread == 0) {
        increment(Y);
        increment(Z);
    }
    else {
        value(Y);
        read_all();
    }
}

/* The process that has claimed a record goes on, counts there, and says so. */
static void
record_gets_ready(int thread)
{
    if (thread == 0) {
        get_ready(unready[0], X);
        _Py_atomic_store_int_release(message, 1);
    }
    else if (thread == 1 && _Py_atomic_load_int_acquire(message) == 1) {
        wide count = value(X);
        EXPECT(count == 1 || count == NO_COUNT);
        note();
    }
    else {
        value(X);
        read_all();
    }
}

/* A thread that reads a label's records finds a block behind them that another has just appended. */
static void
record_needs_a_block(int thread)
{
    if (thread == 0) {
        get_ready(unready[0], Y);
    }
    value(Y);
}

/* Two records get ready, and those who wait for both go on without one. */
static void
records_get_ready(int thread)
{
    if (thread == 0) {
        get_ready(unready[0], X);
        get_ready(unready[1], Z);
    }
    else {
        value(X);
        increment(Z);
        read_all();
    }
}

/* See message_after_increments() of programs.c. */
static void
message_after_labels(int thread)
{
    if (thread == 0) {
        increment(X);
        increment(Y);
        _Py_atomic_store_int_release(message, 1);
    }
    else if (_Py_atomic_load_int_acquire(message) == 1) {
        EXPECT(contains(X) && contains(Y));
        EXPECT(shared_map_length(own_map()) >= 2);
        read_all();
        note();
    }
}

/* Both open the memory at the same time. */
static void
open_and_count(int thread)
{
    if (!one_process) {
        PyMem_RawFree(maps[thread]->states);
        PyMem_RawFree(maps[thread]);
        open_map(thread);
    }
    increment(X);
    value(X);
}

/* There is room for one record only. */
static void
fill_the_memory(int thread)
{
    int done = increment(X + thread);
    if (!done) {
        EXPECT(!contains(X + thread));
        increment(X + 1 - thread);
        note();
    }
    EXPECT(shared_map_length(own_map()) <= 1);  /* 0 if the other has claimed its record, and is not ready */
}

/* With the header's limits, so few meetings do not matter. */
#define MOVES (MEETINGS == 1 ? NOTES : NEVER_NOTES)

static const program programs[] = {
    {P(every_call), .threads = 1},
    {P(every_call), .threads = 1, AFTER(with_dead_records)},
    {P(one_label), .threads = 2},
    {P(one_label), .threads = 2, AFTER(with_dead_records)},
    {P(one_label), .threads = 3, .preemptions = 1},
    {P(same_label), .threads = 2},
    {P(known_label), .threads = 2, .notes = MOVES, AFTER(with_known_label)},
    {P(known_label), .threads = 3, .preemptions = 1, .notes = MOVES, AFTER(with_known_label)},
    {P(different_labels), .threads = 2},
    {P(different_labels), .threads = 2, AFTER(with_one_label)},
    {P(different_labels), .threads = 3, .preemptions = 1},
    {P(opposite_order), .threads = 2},
    {P(label_of_others), .threads = 2, AFTER(with_one_label)},
    {P(look_ups_beside_additions), .threads = 2},
    {P(all_beside_additions), .threads = 2},
    {P(all_beside_additions), .threads = 2, AFTER(with_unready_record)},
    {P(all_between_additions), .threads = 2},
    {P(reset_beside_increments), .threads = 2},
    {P(reset_beside_a_record), .threads = 2, AFTER(with_labels_and_unready_record)},
    {P(two_resets), .threads = 2, .preemptions = 1},
    {P(record_gets_ready), .threads = 2, .notes = NOTES, AFTER(with_unready_record)},
    {P(record_gets_ready), .threads = 2, .notes = NOTES, AFTER(with_dead_records)},
    {P(record_gets_ready), .threads = 3, .notes = NOTES, AFTER(with_unready_record)},
    {P(record_needs_a_block), .threads = 2, AFTER(with_known_and_unready_records)},
    {P(records_get_ready), .threads = 2, AFTER(with_unready_records)},
    {P(records_get_ready), .threads = 3, .preemptions = 1, AFTER(with_unready_records)},
    {P(known_label), .threads = 2, .notes = NOTES, AFTER(with_known_records)},
    {P(known_label_in_half_full_memory), .threads = 2, AFTER(with_known_label)},
    {P(read_many_records), .threads = 2, AFTER(with_five_records)},
    {P(message_after_labels), .threads = 2, .notes = NOTES},
    {P(open_and_count), .threads = 2},
    {P(fill_the_memory), .threads = 2, .notes = NOTES},
    {P(all_between_additions), .threads = 2, .preemptions = 1, AFTER(with_finalizer)},
    {P(every_call), .threads = 2, .preemptions = 1, .failures = 1},
    {P(record_gets_ready), .threads = 2, .preemptions = 1, .failures = 1, AFTER(with_dead_records)},
    {P(known_label), .threads = 2, .preemptions = 1, .failures = 1, AFTER(with_known_label)},
    {P(opposite_order), .threads = 2, .preemptions = 1, .stops = 1},
    {P(look_ups_beside_additions), .threads = 2, .preemptions = 1, .stops = 1},
    {P(known_label), .threads = 2, .preemptions = 1, .stops = 1, AFTER(with_known_label)},
    {P(open_and_count), .threads = 2, .preemptions = 1, .stops = 1},
    {P(all_beside_two_additions), .threads = 3, .preemptions = 1, .stops = 1},
};

/* ---- Running them ---- */

static void
body(int thread)
{
    if (thread != MAIN) {
        current->body(thread);
        return;
    }
    reset_python();
    memset(labels, 0, sizeof labels);
    memset(finalized, 0, sizeof finalized);
    finalizer = NULL;
    resets = 0;
    message = allocate(sizeof(int));
    log_size = current->body == fill_the_memory ? 2 * LINE : LINES * LINE;
    if (current->body == known_label_in_half_full_memory) {
        log_size = 3 * LINE;
    }
    log_memory = allocate(log_size);
    open_map(MAIN);
    for (int each = 0; each < MAIN; each++) {
        if (one_process && each > 0) {
            maps[each] = maps[0];
        }
        else {
            open_map(each);
        }
    }
    if (current->body == open_and_count && !one_process) {
        memset(log_memory, 0, log_size);
    }
    if (current->before != NULL) {
        current->before();
    }
}

/* A label has as many records as may be, and one more for each process that raced.  Returns where the last one ends. */
static Py_ssize_t
check_records(void)
{
    int records[LABELS] = {0};
    Py_ssize_t length, offset = LINE;
    enum log_status status;
    while ((status = log_look(&maps[MAIN]->log, offset, &length)) != LOG_FREE) {
        EXPECT(status == LOG_READY || status == LOG_CLAIMED);
        if (status == LOG_READY) {
            int64_t label;
            log_copy_label(&maps[MAIN]->log, offset, (char *)&label, length);
            EXPECT(length == sizeof label && 1 <= label && label <= LABELS);
            records[label - 1]++;
        }
        offset = log_next(offset, length);
    }
    EXPECT(offset <= log_size);
    for (int label = 0; label < LABELS; label++) {
        EXPECT(records[label] < MOST_RECORDS + current->threads || current->before == with_five_records);
    }
    if (current->before == with_known_records) {
        EXPECT(records[Y] == 2 || MOST_RECORDS > 2);
    }
    if (current->body == known_label_in_half_full_memory) {
        EXPECT(records[Y] == 1);
    }
    if (current->body == known_label && records[Y] > 1) {
        note();  /* they have moved apart */
    }
    return offset;
}

/* Everything is counted exactly once, whoever looks: also a process that opens the memory now.  Then nobody has records
 * left to look at, but those that are not ready. */
static void
finish(void)
{
    finalizer = NULL;
    Py_ssize_t end = check_records();
    for (int thread = 0; thread < THREADS; thread++) {
        if (thread == MAIN || (!has_stopped(thread) && !(one_process && anybody_stopped()))) {
            become(thread);
            for (int label = 0; label < LABELS; label++) {
                wide total = value(label) + labels[label].added.taken;
                EXPECT(total <= labels[label].added.begun);
                EXPECT(labels[label].added.ended <= total || (anybody_stopped() && resets > 0));
            }
            read_all();
            EXPECT(shared_map_used(own_map()) == end);
        }
    }
    for (int thread = 0; thread < THREADS && !anybody_stopped(); thread++) {
        if (thread == 0 || thread == MAIN || !one_process) {
            shared_map_free(maps[thread]);
            release(maps[thread]);
        }
    }
    release(log_memory);
    release(message);
}

static int
run_program(void)
{
    int all_hold = 1;
    for (one_process = 0; one_process <= 1 && all_hold; one_process++) {
        all_hold = holds(one_process ? ", one process" : ", processes");
    }
    return all_hold;
}

int
main(int argc, char **argv)
{
    return RUN_PROGRAMS(run_program);
}
