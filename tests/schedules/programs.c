/* Small programs of a few threads.  main() runs each of them under every schedule.  README.md says how to add one. */
#include "counter.h"
#include "program.h"

enum { UNSYNCHRONIZED = 1 << CELL_UNSYNCHRONIZED, ATOMIC = 1 << CELL_ATOMIC, STRIPED = 1 << CELL_STRIPED };

/* ---- Counters, and what holds in every program ---- */

typedef struct {
    PyObject object;
    void *calls;
    void *cell;
} counter_object;

_Static_assert(offsetof(counter_object, cell) == CELL_OFFSET, "the cell is where counter.h expects it");

typedef struct {
    PyObject *object;
    tally added;
    int only_grows;            /* no reset, no assignment, no negative amount so far */
    wide given[16];            /* by increment_and_get() and add_and_get() */
    int given_count;
} counter;

static counter counters[2];
#define A (&counters[0])
#define B (&counters[1])

static enum cell_kind kind;
static int *message;           /* 0 at first */
static int *data;              /* 0 at first; it is not atomic */

static PyObject *
new_object(void)
{
    PyObject *object = allocate(sizeof(counter_object));
    object->ob_tid = _Py_ThreadId();
    EXPECT(counter_init(object) == 0);
    counter_set_kind(object, kind);
    return object;
}

/* How much a read that begins now has to count at least. */
static wide
least(counter *self)
{
    if (kind == CELL_ATOMIC || (kind == CELL_STRIPED && memory == ORDERLY)) {
        return self->added.ended;
    }
    return kind == CELL_STRIPED ? added_before(&self->added) : 0;
}

static void
check_count(counter *self, wide count, wide at_least)
{
    if (self->only_grows) {
        EXPECT(count >= at_least);
        EXPECT(count <= self->added.begun);
        EXPECT(kind == CELL_UNSYNCHRONIZED || count >= self->added.last_read[current_thread()]);
        self->added.last_read[current_thread()] = count;
    }
}

static void
add(counter *self, wide amount)
{
    PyErr_Clear();
    PyObject *number = make_int(amount);
    self->added.begun += amount;
    self->only_grows &= amount >= 0;
    counter_cell *cell = cell_of(self->object);
    if (check_error(!cell_try_add(cell, number) && cell_add(cell, number, NULL) < 0)) {
        self->added.begun -= amount;
    }
    else {
        addition_ends(&self->added, amount);
    }
    Py_DECREF(number);
}

static void
increment(counter *self)
{
    PyErr_Clear();
    self->added.begun++;
    if (check_error(cell_step(cell_of(self->object), 1, NULL) < 0)) {
        self->added.begun--;
    }
    else {
        addition_ends(&self->added, 1);
    }
}

static wide
value(counter *self)
{
    PyErr_Clear();
    wide at_least = least(self);
    wide count = count_of(cell_get(cell_of(self->object)));
    if (count != NO_COUNT) {
        check_count(self, count, at_least);
    }
    return count;
}

static void
assign(counter *self, wide count)
{
    PyErr_Clear();
    self->only_grows = 0;
    PyObject *number = make_int(count);
    wide before = count_of(cell_exchange(cell_of(self->object), number));
    self->added.taken += before == NO_COUNT ? 0 : before - count;
    Py_DECREF(number);
}

static void
reset(counter *self)
{
    PyErr_Clear();
    self->only_grows = 0;
    wide before = count_of(cell_reset(cell_of(self->object)));
    self->added.taken += before == NO_COUNT ? 0 : before;
}

/* The same for a count that an addition returns: no two may return the same. */
static void
check_given(counter *self, wide count, wide at_least)
{
    check_count(self, count, at_least);
    for (int index = 0; index < self->given_count && self->only_grows; index++) {
        EXPECT(kind == CELL_UNSYNCHRONIZED || self->given[index] != count);
    }
    self->given[self->given_count++] = count;
}

static void
increment_and_get(counter *self)
{
    PyErr_Clear();
    self->added.begun++;
    wide at_least = least(self) + 1;
    wide count = count_of(cell_increment_and_get(cell_of(self->object)));
    if (count != NO_COUNT) {  /* otherwise 1 may have been added or not */
        check_given(self, count, at_least);
        addition_ends(&self->added, 1);
    }
}

static void
add_and_get(counter *self, wide amount)
{
    PyErr_Clear();
    PyObject *number = make_int(amount);
    self->added.begun += amount;
    self->only_grows &= amount >= 0;
    wide at_least = least(self) + amount;
    wide count = count_of(cell_add_and_get(cell_of(self->object), number));
    if (count != NO_COUNT) {
        check_given(self, count, at_least);
        addition_ends(&self->added, amount);
    }
    Py_DECREF(number);
}

/* Everything is counted exactly once. */
static void
check_total(counter *self)
{
    wide total = value(self) + self->added.taken;
    if (kind == CELL_UNSYNCHRONIZED && current->threads > 1) {
        return;
    }
    if (!anybody_stopped() || self->only_grows) {
        EXPECT(self->added.ended <= total && total <= self->added.begun);  /* the two are equal if all calls have succeeded */
    }
}

/* ---- Before a program ---- */

/* Have the threads begin to add, so that threads 0 and 1, which do not own A, get numbers that differ by 2.  With two
 * stripes, they share one. */
static void
share_a_stripe(void)
{
    int order[] = {0, 2, 1};
    for (int index = 0; index < 3; index++) {
        become(order[index]);
        increment(A);
    }
    become(MAIN);
}

/* The same, and their part is 0, at which they look whether another thread adds to it too. */
static void
share_an_empty_stripe(void)
{
    share_a_stripe();
    become(0);
    add(A, -2);
    become(MAIN);
}

static void
start_near_the_limits(void)
{
    assign(A, kind == CELL_STRIPED ? OFFSET_LIMIT - 1 : COUNT_LIMIT - 1);
}

static void
start_huge(void)
{
    assign(A, HUGE_COUNT);
}

static void
increment_and_start_huge(void)
{
    become(2);
    increment(A);
    become(MAIN);
    start_huge();
}

/* ---- Programs ---- */

static void
increments(int thread)
{
    (void)thread;
    increment(A);
    increment(A);
}

static void
more_increments(int thread)
{
    for (int times = 0; times < (thread == 0 ? 4 : 3); times++) {
        increment(A);
    }
}

static void
one_increment(int thread)
{
    (void)thread;
    increment(A);
}

static void
reads_beside_increments(int thread)
{
    if (thread == 1) {
        value(A);
        value(A);
        value(A);
    }
    else {
        increment(A);
        increment(A);
    }
}

static void
reads_between_increments(int thread)
{
    (void)thread;
    increment(A);
    value(A);
    increment(A);
    value(A);
}

static void
reset_beside_increments(int thread)
{
    if (thread == 1) {
        reset(A);
    }
    else {
        increment(A);
        increment(A);
    }
}

static void
resets(int thread)
{
    increment(A);
    if (thread != 2) {
        reset(A);
    }
}

static void
assignment_beside_increments(int thread)
{
    if (thread == 1) {
        assign(A, 7);
        assign(A, HUGE_COUNT);
    }
    else {
        increment(A);
        increment(A);
    }
}

/* A read gives the count before an assignment or after it, and nothing between. */
static void
read_beside_assignment(int thread)
{
    if (thread == 1) {
        assign(A, 2);
    }
    else {
        wide count = value(A);
        EXPECT(count == HUGE_COUNT || count == 2);
    }
}

static void
assignments(int thread)
{
    assign(A, thread == 0 ? HUGE_COUNT : 1);
    increment(A);
}

static void
large_amounts(int thread)
{
    if (thread == 1) {
        add(A, LARGE_AMOUNT);
        value(A);
    }
    else {
        increment(A);
        increment(A);
    }
}

static void
only_large_amounts(int thread)
{
    (void)thread;
    add(A, LARGE_AMOUNT);
    add(A, LARGE_AMOUNT);
}

static void
huge_count_becomes_small(int thread)
{
    if (thread == 1) {
        add(A, -HUGE_COUNT);
        value(A);
    }
    else {
        increment(A);
        value(A);
    }
}

static void
decrements(int thread)
{
    if (thread == 1) {
        add(A, -1);
        add(A, -1);
    }
    else {
        increment(A);
        increment(A);
        value(A);
    }
}

static void
numbers(int thread)
{
    (void)thread;
    increment_and_get(A);
    increment_and_get(A);
}

static void
numbers_and_amounts(int thread)
{
    if (thread == 1) {
        add_and_get(A, 2);
        add_and_get(A, LARGE_AMOUNT);
    }
    else {
        increment_and_get(A);
        increment_and_get(A);
    }
}

static void
every_call(int thread)
{
    if (thread == 0) {
        value(A);
        add(A, LARGE_AMOUNT);
        reset(A);
    }
    else {
        increment(A);
        value(A);
    }
}

/* Another thread that has the message counts the increments before it.  The message stands for all that Python's
 * threads pass: a lock, an event, an item of a queue, an end.  Each is at least a store-release and a load-acquire. */
static void
message_after_increments(int thread)
{
    if (thread == 0) {
        increment(A);
        increment(A);
        _Py_atomic_store_int_release(message, 1);
    }
    else if (_Py_atomic_load_int_acquire(message) == 1) {
        EXPECT(value(A) >= 2);
        note();
    }
}

static void
message_passed_on(int thread)
{
    if (thread == 0) {
        increment(A);
        _Py_atomic_store_int_release(message, 1);
    }
    else if (_Py_atomic_load_int_acquire(message) == thread) {
        increment(A);
        _Py_atomic_store_int_release(message, 2);
        EXPECT(value(A) >= 1 + thread);
        if (thread == 2) {
            note();
        }
    }
}

/* Whoever counts an increment knows what its thread did before it. */
static void
increment_publishes(int thread)
{
    if (thread == 0) {
        *data = 5;
        increment(A);
    }
    else if (value(A) == 1) {
        EXPECT(*data == 5);
        note();
    }
}

/* The reads of one thread see two counters of another thread change in the order in which it changed them. */
static void
two_counters_in_order(int thread)
{
    if (thread == 0) {
        increment(A);
        increment(B);
    }
    else if (value(B) == 1) {
        EXPECT(value(A) == 1);
        note();
    }
}

/* Each thread increments its own counter and then reads the other's.  That both read 0 is possible for a striped
 * counter: nothing orders an increment and a read of different threads, and the processor may read before it has
 * written.  Whoever needs one order over several counters takes the atomic kind. */
static int zeros;

static void
both_read_zero(int thread)
{
    increment(thread == 0 ? A : B);
    if (value(thread == 0 ? B : A) == 0 && ++zeros == 2) {
        note();
    }
}

/* Threads that meet on a stripe move to others, if there cannot be more. */
static void
threads_move_apart(int thread)
{
    int64_t before = thread_number;
    (void)thread;
    increment(A);
    if (thread_number != before) {
        note();
    }
}

/* A thread that gets the id of the owner, which has ended, owns the cell. */
static void
owner_follows_owner(int thread)
{
    if (thread == 1) {
        if (_Py_atomic_load_int_acquire(message) == 0) {
            return;
        }
        take_thread_id(0);
        note();
    }
    increment(A);
    increment(A);
    if (thread == 0) {
        _Py_atomic_store_int_release(message, 1);
    }
}

/* Threads that begin to add at the same time take different stripes. */
static void
different_stripes(void)
{
    stripe_table *table = FIELD(A->object)->cell.table;
    for (int index = 0; index < table->number; index++) {
        EXPECT(table->stripes[index]->part == 1);
    }
}

/* Once there are stripes, the owner leaves `count` alone: its cache line is one that all threads read. */
static void
owner_takes_a_stripe(int thread)
{
    if (thread == 1) {
        increment(A);
        return;
    }
    int64_t *word = &FIELD(A->object)->cell.count;
    for (int times = 0; times < 2; times++) {
        int had_stripes = _Py_atomic_load_ptr_acquire(&FIELD(A->object)->cell.table) != NULL;
        int64_t before = _Py_atomic_load_int64(word);
        increment(A);
        EXPECT(!had_stripes || _Py_atomic_load_int64(word) == before);
    }
}

/* ---- The list of programs ---- */

static const program programs[] = {
    {P(every_call), .threads = 1},
    {P(more_increments), .threads = 1, AFTER(start_near_the_limits)},
    {P(increments), .threads = 2},
    {P(increments), .threads = 2, .nobody_owns = 1},
    {P(increments), .threads = 2, .nobody_owns = 1, AFTER(share_a_stripe)},
    {P(increments), .threads = 2, .nobody_owns = 1, AFTER(share_a_stripe), .processors = 2},
    {P(more_increments), .threads = 2, .kinds = STRIPED, .nobody_owns = 1, AFTER(share_a_stripe)},
    {P(one_increment), .threads = 3},
    {P(one_increment), .threads = 3, .nobody_owns = 1, .processors = 2},
    {P(increments), .threads = 2, AFTER(start_near_the_limits)},
    {P(reads_beside_increments), .threads = 2},
    {P(reads_beside_increments), .threads = 2, .kinds = STRIPED, .nobody_owns = 1},
    {P(reads_beside_increments), .threads = 3},
    {P(reads_beside_increments), .threads = 2, AFTER(start_near_the_limits)},
    {P(reads_between_increments), .threads = 2},
    {P(reads_between_increments), .threads = 2, .nobody_owns = 1, AFTER(share_a_stripe)},
    {P(reset_beside_increments), .threads = 2},
    {P(reset_beside_increments), .threads = 3},
    {P(resets), .threads = 3, .preemptions = 1},
    {P(resets), .threads = 2},
    {P(assignment_beside_increments), .threads = 2},
    {P(assignment_beside_increments), .threads = 2, AFTER(start_huge)},
    {P(read_beside_assignment), .threads = 2, .kinds = ATOMIC | STRIPED, AFTER(increment_and_start_huge)},
    {P(read_beside_assignment), .threads = 3, .kinds = ATOMIC | STRIPED, AFTER(increment_and_start_huge)},
    {P(assignments), .threads = 2},
    {P(assignments), .threads = 2, AFTER(start_huge)},
    {P(large_amounts), .threads = 2},
    {P(large_amounts), .threads = 3, .preemptions = 1},
    {P(only_large_amounts), .threads = 2},
    {P(huge_count_becomes_small), .threads = 2, AFTER(start_huge)},
    {P(decrements), .threads = 2},
    {P(numbers), .threads = 2, .kinds = ATOMIC | UNSYNCHRONIZED},
    {P(numbers), .threads = 3, .kinds = ATOMIC, .preemptions = 1},
    {P(numbers_and_amounts), .threads = 2, .kinds = ATOMIC | UNSYNCHRONIZED},
    {P(numbers), .threads = 2, .kinds = ATOMIC, .failures = 1},
    {P(numbers_and_amounts), .threads = 2, .kinds = ATOMIC, .failures = 1},
    {P(every_call), .threads = 2, .failures = 1, .preemptions = 1},
    {P(every_call), .threads = 2, .failures = 1, .preemptions = 1, AFTER(start_huge)},
    {P(more_increments), .threads = 2, .failures = 1, .preemptions = 1},
    {P(every_call), .threads = 2, .stops = 1, .preemptions = 1},
    {P(numbers), .threads = 2, .kinds = ATOMIC, .stops = 1, .preemptions = 1},
    {P(more_increments), .threads = 2, .stops = 1, .preemptions = 1},
    {P(one_increment), .threads = 3, .stops = 1, .preemptions = 1, .processors = 2},
    {P(message_after_increments), .threads = 2, .kinds = ATOMIC | STRIPED, .notes = NOTES},
    {P(message_after_increments), .threads = 2, .kinds = ATOMIC | STRIPED, .nobody_owns = 1, .notes = NOTES},
    {P(message_passed_on), .threads = 3, .kinds = ATOMIC | STRIPED, .notes = NOTES},
    {P(increment_publishes), .threads = 2, .kinds = ATOMIC | STRIPED, .notes = NOTES},
    {P(two_counters_in_order), .threads = 2, .kinds = ATOMIC | STRIPED, .notes = NOTES},
    {P(both_read_zero), .threads = 2, .kinds = ATOMIC, .notes = NEVER_NOTES},
    {P(both_read_zero), .threads = 2, .kinds = STRIPED, .notes = NOTES_UNLESS_ORDERLY},
    {P(owner_follows_owner), .threads = 3, .kinds = STRIPED, .notes = NOTES},
    {P(one_increment), .threads = 2, .kinds = STRIPED, .nobody_owns = 1, .after = different_stripes},
    {P(threads_move_apart), .threads = 2, .kinds = STRIPED, .nobody_owns = 1, AFTER(share_an_empty_stripe),
     .notes = NOTES},
    {P(owner_takes_a_stripe), .threads = 2, .kinds = STRIPED},
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
    cells_prepare(current->processors == 0 ? 1 : current->processors);
    memset(counters, 0, sizeof counters);
    zeros = 0;
    message = allocate(sizeof(int));
    data = allocate(sizeof(int));
    for (int index = 0; index < 2; index++) {
        if (!current->nobody_owns) {
            become(index);
        }
        counters[index].object = new_object();
        counters[index].only_grows = 1;
        become(MAIN);
    }
    if (current->before != NULL) {
        current->before();
    }
}

static void
finish(void)
{
    if (current->after != NULL) {
        current->after();
    }
    for (int index = 0; index < 2; index++) {
        check_total(&counters[index]);
        counter_clear(counters[index].object);
        release(counters[index].object);
    }
    release(message);
    release(data);
}

static int
run_with_each_kind(void)
{
    static const char *const names[] = {", unsynchronized", ", atomic", ", striped"};
    int kinds = current->kinds ? current->kinds : current->threads < 3 ? -1 : ATOMIC | STRIPED;
    for (kind = CELL_UNSYNCHRONIZED; kind <= CELL_STRIPED; kind++) {
        if ((kinds & 1 << kind) && !holds(names[kind])) {
            return 0;
        }
    }
    return 1;
}

int
main(int argc, char **argv)
{
    return RUN_PROGRAMS(run_with_each_kind);
}
