/* Small programs of threads that share a CounterMap.  main() runs each of them under every schedule, as programs.c does
 * with its own. */
#include "map.h"
#include "program.h"

/* ---- Labels and their counts, and what holds in every program ---- */

/* W has a slot of its own.  X and Y have the same hash, and Z has the same first slot.  The others fill the map.  To
 * compare X or Y runs Python code. */
enum { W, X, Y, Z, OTHERS, LABELS = OTHERS + 8 };
static const Py_hash_t hashes[LABELS] = {1, 0, 0, 64, 2, 3, 4, 5, 6, 7, 8, 9};

static struct {
    tally added;
    int tried;                 /* additions, those that have failed included */
    int seen[THREADS];         /* whether a thread has found the label */
} labels[LABELS];

static PyObject *map;          /* an object with a map in it; thread 0 owns it */
static table_entry *order[LABELS];  /* of the entries, as far as a thread has seen it */
static int only_grows;         /* no reset so far */
static int in_reset[THREADS];  /* whether the thread may have taken what it has not returned yet */
static int *message;           /* 0 at first */

static PyObject *
new_label(int label)
{
    PyErr_Clear();
    return make_label(label, hashes[label], label != X && label != Y);
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
    if (only_grows) {
        EXPECT(at_least <= count);
        EXPECT(count >= labels[label].added.last_read[current_thread()]);
        labels[label].added.last_read[current_thread()] = count;
    }
}

static int
map_add_int(PyObject *label, wide amount)
{
    PyObject *number = make_int(amount);
    int status = map_add(map, label, number);
    Py_DECREF(number);
    return status;
}

static void
add(int label, wide amount)
{
    PyObject *object = new_label(label);
    labels[label].added.begun += amount;
    labels[label].tried++;
    int status = amount == 1 ? map_step(map, object, 1) : map_add_int(object, amount);
    if (check_error(status < 0)) {
        labels[label].added.begun -= amount;
    }
    else {
        addition_ends(&labels[label].added, amount);
    }
    Py_DECREF(object);
}

static void
increment(int label)
{
    add(label, 1);
}

static wide
value(int label)
{
    PyObject *object = new_label(label);
    wide at_least = least(label);
    wide count = count_of(map_get(map, object, NULL));
    check_count(label, count, at_least);
    Py_DECREF(object);
    return count;
}

/* A label that a thread has found once, or that was there before, it finds again, unless there is a reset. */
static int
contains(int label)
{
    PyObject *object = new_label(label);
    int expected = least(label) > 0 || labels[label].seen[current_thread()];
    int found = map_contains(map, object);
    if (!check_error(found < 0)) {
        EXPECT(expected <= found || !only_grows);
        EXPECT(!found || labels[label].tried > 0);
        labels[label].seen[current_thread()] |= found;
    }
    Py_DECREF(object);
    return found;
}

/* Read the counts of all labels, one after another, as the methods of a CounterMap do.  Each label is there once, in the
 * order in which they were added, and unless there is a reset, none is missing that was there before. */
static void
read_all(void)
{
    wide at_least[LABELS];
    int found[LABELS] = {0};
    PyErr_Clear();
    for (int label = 0; label < LABELS; label++) {
        at_least[label] = least(label);
    }
    Py_ssize_t length = map_length(map), count = 0;
    table_cursor cursor = map_all(map);
    EXPECT(cursor.left <= LABELS);
    EXPECT(length <= cursor.left || !only_grows);
    length = cursor.left;
    for (table_entry *entry = table_next(&cursor); entry != NULL; entry = table_next(&cursor)) {
        int label = (int)value_of(entry->label);
        EXPECT(entry->hash == hashes[label]);
        EXPECT(!found[label]);
        found[label] = labels[label].seen[current_thread()] = 1;
        EXPECT(order[count] == NULL || order[count] == entry || !only_grows);
        order[count++] = entry;
        PyObject *object = Py_NewRef(entry->label);
        check_count(label, count_of(cell_get(&entry->value)), at_least[label]);
        Py_DECREF(object);
    }
    EXPECT(count == length || !only_grows);
    EXPECT(length <= map_length(map) || !only_grows);
    for (int label = 0; label < LABELS; label++) {
        EXPECT(found[label] || at_least[label] == 0 || !only_grows);
    }
}

/* Read what resets have taken.  Returns 0 if that fails. */
static int
read_taken(taken_table *taken, wide counts[LABELS])
{
    for (taken_table *each = taken; each != NULL; each = each->next) {
        table_cursor cursor = table_all(&each->table);
        for (table_entry *entry = table_next(&cursor); entry != NULL; entry = table_next(&cursor)) {
            wide count = count_of(cell_get(&entry->value));
            if (count == NO_COUNT) {
                return 0;
            }
            counts[value_of(entry->label)] += count;
        }
    }
    return 1;
}

/* Take all counts, as CounterMap.reset() does. */
static void
reset(void)
{
    wide counts[LABELS] = {0};
    PyErr_Clear();
    only_grows = 0;
    in_reset[current_thread()] = 1;
    taken_table *taken = map_take(map);
    if (!check_error(taken == NULL)) {
        if (read_taken(taken, counts)) {
            for (int label = 0; label < LABELS; label++) {
                labels[label].added.taken += counts[label];
            }
            free_taken(taken);
        }
        else {
            map_keep(map, taken);
        }
    }
    in_reset[current_thread()] = 0;
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

/* X has a count of an int that neither of two threads has made. */
static void
start_huge(void)
{
    become(2);
    add(X, HUGE_COUNT);
    become(MAIN);
}

static void
start_with_two(void)
{
    become(2);
    increment(X);
    increment(Y);
    become(MAIN);
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

static void
resets(int thread)
{
    increment(thread == 0 ? X : Z);
    reset();
}

/* What a thread adds is taken in the order in which it was added. */
static void
reset_at_one_instant(int thread)
{
    if (thread == 1) {
        reset();
        EXPECT(labels[X].added.taken >= labels[Z].added.taken || !KNOWN_CPYTHON);
    }
    else {
        increment(X);
        increment(Z);
    }
}

/* The label is in the map, or in that after the reset, while it is compared. */
static void
reset_beside_comparisons(int thread)
{
    if (thread == 1) {
        reset();
        increment(X);
    }
    else {
        increment(Y);
    }
}

static void
reset_beside_reads(int thread)
{
    if (thread == 1) {
        reset();
    }
    else {
        value(Y);
        contains(Y);
        read_all();
    }
}

static void
reset_beside_large_amounts(int thread)
{
    if (thread == 1) {
        reset();
        increment(X);
    }
    else {
        add(X, LARGE_AMOUNT);
        increment(X);
        increment(X);
    }
}

static void
two_resets_beside_increments(int thread)
{
    if (thread == 2) {
        increment(X);
        increment(X);
    }
    else {
        reset();
    }
}

static void
every_call(int thread)
{
    increment(thread == 0 ? X : Y);
    contains(Y);
    value(X);
    thread == 0 ? reset() : read_all();
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
        read_all();
        note();
    }
}

static const program programs[] = {
    {P(every_call), .threads = 1, .resets = 1},
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
    {P(reset_beside_increments), .threads = 2, .resets = 1},
    {P(reset_beside_increments), .threads = 2, .resets = 1, AFTER(nearly_fill_table)},
    {P(reset_beside_increments), .threads = 2, .resets = 1, AFTER(start_huge)},
    {P(resets), .threads = 2, .preemptions = 1, .resets = 1},
    {P(reset_at_one_instant), .threads = 2, .resets = 1},
    {P(reset_beside_comparisons), .threads = 2, .resets = 1, AFTER(start_with_two)},
    {P(reset_beside_reads), .threads = 2, .resets = 1, AFTER(start_with_two)},
    {P(reset_beside_reads), .threads = 2, .resets = 1, AFTER(start_huge)},
    {P(reset_beside_large_amounts), .threads = 2, .resets = 1},
    {P(reset_beside_large_amounts), .threads = 2, .resets = 1, AFTER(start_huge)},
    {P(two_resets_beside_increments), .threads = 3, .preemptions = 1, .resets = 1},
    {P(message_after_labels), .threads = 2, .notes = NOTES},
    {P(every_call), .threads = 2, .preemptions = 1, .failures = 1, .resets = 1},
    {P(resets), .threads = 2, .preemptions = 1, .failures = 2, .resets = 1},
    {P(reset_beside_increments), .threads = 2, .preemptions = 1, .failures = 1, .resets = 1, AFTER(start_huge)},
    {P(reset_beside_large_amounts), .threads = 2, .preemptions = 1, .failures = 1, .resets = 1, AFTER(start_huge)},
    {P(opposite_order), .threads = 2, .preemptions = 1, .failures = 1, AFTER(nearly_fill_table)},
    {P(resets), .threads = 2, .preemptions = 1, .stops = 1, .resets = 1},
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
    memset(in_reset, 0, sizeof in_reset);
    only_grows = 1;
    message = allocate(sizeof(int));
    map = allocate(FIRST_FIELD + sizeof(counter_map));
    map->ob_tid = 1000;
    if (current->before != NULL) {
        current->before();
    }
}

static int
anybody_stopped_in_reset(void)
{
    for (int thread = 0; thread < THREADS; thread++) {
        if (in_reset[thread]) {
            return 1;
        }
    }
    return 0;
}

/* Everything is counted exactly once. */
static void
finish(void)
{
    int lost = anybody_stopped_in_reset();
    for (int label = 0; label < LABELS; label++) {
        value(label);
    }
    read_all();
    reset();
    for (int label = 0; label < LABELS; label++) {
        tally *added = &labels[label].added;
        EXPECT(lost || (added->ended <= added->taken && added->taken <= added->begun));
    }
    free_map(empty_map(map));
    release(map);
    release(message);
}

static int
run_program(void)
{
    return (!KNOWN_CPYTHON && !current->resets) || holds("");  /* portable code differs only in resets */
}

int
main(int argc, char **argv)
{
    return RUN_PROGRAMS(run_program);
}
