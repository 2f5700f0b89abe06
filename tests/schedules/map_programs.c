/* Small programs of threads that share a CounterMap.  main() runs each of them under every schedule, as programs.c does
 * with its own. */
#include "map.h"
#include "program.h"

/* ---- Labels and their counts, and what holds in every program ---- */

/* W has a slot of its own.  X and Y have the same hash, and Z has the same first slot.  The others fill the map. */
enum { W, X, Y, Z, OTHERS, LABELS = OTHERS + 8 };
static const Py_hash_t hashes[LABELS] = {1, 0, 0, 64, 2, 3, 4, 5, 6, 7, 8, 9};

static struct {
    int begun, ended;          /* additions of 1 */
    int tried;                 /* those that have failed included */
    int taken;                 /* by resets */
    int last_read[THREADS];    /* the highest count that each thread has got */
    int seen[THREADS];         /* whether a thread has found the label */
    struct { int thread, stamp; } additions[8];  /* that have ended */
} labels[LABELS];

static PyObject *map;          /* an object with a map in it; thread 0 owns it */
static table_entry *order[LABELS];  /* of the entries, as far as a thread has seen it */
static int only_grows;         /* no reset so far */
static int *message;           /* 0 at first */

static PyObject *
new_label(int label)
{
    PyErr_Clear();
    return make_label(label, hashes[label]);
}

/* How many additions a call that begins now has to count at least. */
static int
least(int label)
{
    int sum = 0;
    for (int index = 0; index < labels[label].ended; index++) {
        int thread = labels[label].additions[index].thread;
        sum += memory == ORDERLY || happened_before(thread, labels[label].additions[index].stamp);
    }
    return sum;
}

static int
count_of(PyObject *result)
{
    if (check_error(result == NULL)) {
        return -1;
    }
    int count = (int)value_of(result);
    Py_DECREF(result);
    return count;
}

static void
check_count(int label, int count, int at_least)
{
    if (count >= 0 && only_grows) {
        EXPECT(at_least <= count && count <= labels[label].begun);
        EXPECT(count >= labels[label].last_read[current_thread()]);
        labels[label].last_read[current_thread()] = count;
    }
}

static void
increment(int label)
{
    PyObject *object = new_label(label);
    labels[label].begun++;
    labels[label].tried++;
    if (check_error(map_increment(map, object) < 0)) {
        labels[label].begun--;
    }
    else {
        labels[label].additions[labels[label].ended].thread = current_thread();
        labels[label].additions[labels[label].ended++].stamp = stamp();
    }
    Py_DECREF(object);
}

static int
value(int label)
{
    PyObject *object = new_label(label);
    int at_least = least(label);
    int count = count_of(map_get(map, object, NULL));
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
    int found = map_contains(map, object);
    if (!check_error(found < 0)) {
        EXPECT(expected <= found);
        EXPECT(!found || labels[label].tried > 0);
        labels[label].seen[current_thread()] |= found;
    }
    Py_DECREF(object);
    return found;
}

/* Read or reset the counts of all labels, one after another, as the methods of a CounterMap do.  Each label is there
 * once, in the order in which they were added, and none is missing that was there before. */
static void
go_over_all(int resets)
{
    int at_least[LABELS], found[LABELS] = {0};
    PyErr_Clear();
    only_grows &= !resets;
    for (int label = 0; label < LABELS; label++) {
        at_least[label] = least(label);
    }
    Py_ssize_t length = map_length(map), count = 0;
    table_cursor cursor = map_all(map);
    EXPECT(length <= cursor.left && cursor.left <= LABELS);
    length = cursor.left;
    for (table_entry *entry = table_next(&cursor); entry != NULL; entry = table_next(&cursor)) {
        int label = (int)value_of(entry->label);
        EXPECT(entry->hash == hashes[label]);
        EXPECT(!found[label]);
        found[label] = labels[label].seen[current_thread()] = 1;
        EXPECT(order[count] == NULL || order[count] == entry);
        order[count++] = entry;
        int before = count_of(resets ? cell_reset(&entry->value) : cell_get(&entry->value));
        labels[label].taken += resets && before > 0 ? before : 0;
        check_count(label, before, at_least[label]);
    }
    EXPECT(count == length && length <= map_length(map));
    for (int label = 0; label < LABELS; label++) {
        EXPECT(found[label] || at_least[label] == 0);
    }
}

/* ---- Before a program ---- */

static void
fill(int number)
{
    become(2);  /* so that no thread of two owns the entries */
    for (int label = OTHERS; label < OTHERS + number; label++) {
        increment(label);
    }
    become(MAIN);
}

static void
fill_block(void)
{
    fill(FIRST_ENTRIES);
}

/* There is room for one label more. */
static void
nearly_fill_table(void)
{
    fill(FIRST_SLOTS / 4 * 3 - 1);
}

static void
fill_table(void)
{
    fill(FIRST_SLOTS / 4 * 3);
}

/* ---- Programs ---- */

static void
same_label(int thread)
{
    (void)thread;
    increment(X);
    increment(X);
}

static void
one_label(int thread)
{
    (void)thread;
    increment(X);
}

static void
other_slots(int thread)
{
    increment(thread == 0 ? X : W);
}

static void
same_slot(int thread)
{
    increment(thread == 0 ? X : Z);
}

static void
same_hash(int thread)
{
    increment(thread == 0 ? X : Y);
}

static void
opposite_order(int thread)
{
    increment(thread == 0 ? X : Z);
    increment(thread == 0 ? Z : X);
}

static void
three_labels(int thread)
{
    increment(X + thread);
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
        go_over_all(0);
        contains(Z);
        go_over_all(0);
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
    go_over_all(0);
}

static void
reset_beside_increments(int thread)
{
    if (thread == 1) {
        go_over_all(1);
    }
    else {
        increment(X);
        increment(Z);
        increment(X);
    }
}

static void
resets(int thread)
{
    increment(thread == 0 ? X : Z);
    go_over_all(1);
}

static void
every_call(int thread)
{
    increment(thread == 0 ? X : Y);
    contains(Y);
    value(X);
    go_over_all(thread == 0);
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
        EXPECT(map_length(map) >= 2);
        go_over_all(0);
        note();
    }
}

static const program programs[] = {
    {P(every_call), .threads = 1},
    {P(opposite_order), .threads = 1, AFTER(fill_table)},
    {P(same_label), .threads = 2},
    {P(one_label), .threads = 2, AFTER(fill_block)},
    {P(one_label), .threads = 2, AFTER(fill_table)},
    {P(one_label), .threads = 3, .preemptions = 1},
    {P(other_slots), .threads = 2, AFTER(nearly_fill_table)},
    {P(same_slot), .threads = 2},
    {P(same_slot), .threads = 2, AFTER(fill_block)},
    {P(same_slot), .threads = 2, AFTER(nearly_fill_table)},
    {P(same_slot), .threads = 2, AFTER(fill_table)},
    {P(same_hash), .threads = 2},
    {P(same_hash), .threads = 2, AFTER(nearly_fill_table)},
    {P(opposite_order), .threads = 2, AFTER(fill_block)},
    {P(opposite_order), .threads = 2, AFTER(nearly_fill_table)},
    {P(three_labels), .threads = 3, .preemptions = 1, AFTER(nearly_fill_table)},
    {P(look_ups_beside_additions), .threads = 2},
    {P(look_ups_beside_additions), .threads = 2, AFTER(fill_block)},
    {P(look_ups_beside_additions), .threads = 2, AFTER(nearly_fill_table)},
    {P(all_beside_additions), .threads = 2},
    {P(all_beside_additions), .threads = 2, AFTER(fill_block)},
    {P(all_between_additions), .threads = 2},
    {P(reset_beside_increments), .threads = 2},
    {P(resets), .threads = 2, .preemptions = 1},
    {P(message_after_labels), .threads = 2, .notes = NOTES},
    {P(every_call), .threads = 2, .preemptions = 1, .failures = 1},
    {P(opposite_order), .threads = 2, .preemptions = 1, .failures = 1, AFTER(nearly_fill_table)},
    {P(same_slot), .threads = 2, .preemptions = 1, .stops = 1},
    {P(look_ups_beside_additions), .threads = 2, .preemptions = 1, .stops = 1, AFTER(nearly_fill_table)},
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
    cells_prepare(1);
    memset(labels, 0, sizeof labels);
    memset(order, 0, sizeof order);
    only_grows = 1;
    message = allocate(sizeof(int));
    map = allocate(FIRST_FIELD + sizeof(counter_map));
    map->ob_tid = 1000;
    if (current->before != NULL) {
        current->before();
    }
}

/* Everything is counted exactly once. */
static void
finish(void)
{
    for (int label = 0; label < LABELS; label++) {
        int total = value(label) + labels[label].taken;
        if (!anybody_stopped() || only_grows) {
            EXPECT(labels[label].ended <= total && total <= labels[label].begun);
        }
    }
    go_over_all(0);
    table_free(&MAP(map)->table);
    release(map);
    release(message);
}

static int
run_program(void)
{
    return holds("");
}

int
main(int argc, char **argv)
{
    return RUN_PROGRAMS(run_program);
}
