/* A SharedCounterMap: a log in memory that processes share, and a table of its labels that belongs to one process.
 *
 * The log has the counts; see log.h.  A label may have several records there, and its count is the sum of theirs.  So
 * two processes may add one label at the same time, and processes that meet on a record can count in different ones,
 * without a lock or a repair.  The table has an entry for each label, with the records that the process knows.
 * Increments go to one of them.  A process takes in new records when it does not find a label, and before it reads.
 *
 * Process safety: all that processes share are the log, and the counts in it; see log.h and shared_count.h.
 *
 * Thread safety:
 *
 *   - A record is taken in at most once, for its count would be read twice otherwise.  `states` knows that of each
 *     record by its offset.  With the lock held, a thread looks there, appends the record to those of its label, and
 *     notes that.  So it does not matter how many threads take in the same record at once.  Neither does what happens
 *     meanwhile: to make a label can run the garbage collector, finalizers that use this map, other threads, and forks.
 *   - Each record in front of `scanned` is taken in, or it is in `waiting` because it was claimed and not ready.  A
 *     thread first puts a record there, and then moves `scanned` on.  Whoever takes in records first reads `scanned`,
 *     then looks at those in `waiting` again, and then goes on from there.  So it misses no record that was ready when
 *     it began.
 *   - So nobody goes through the log from its start again.  A record leaves `waiting` after it has been taken in.  That
 *     of a process that was killed stays there.
 *   - The records of a label are only appended to, and complete when they are published, by a release store.  So they
 *     are read without the lock.  The table is safe by itself.
 *   - Between the claim of a record and its last bit, a thread only loads and stores memory.  So no other thread of the
 *     process forks there, and no finalizer runs.
 *   - A label's new record counts as soon as it is ready, even if there is no memory to take it in.  It is found later.
 *   - While a thread holds the lock, it only loads and stores memory.  No fork finds it taken; see lock.h.  A child
 *     gets a copy of all this, and goes on with it.
 *
 * Labels are exact, so neither hashing nor comparing them runs Python code, and they cannot refer to the map. */
#ifndef FASTCOUNTER_SHARED_MAP_H
#define FASTCOUNTER_SHARED_MAP_H

#include <time.h>

#include "errors.h"
#include "exact_labels.h"
#include "log.h"
#include "shared_count.h"
#include "thread.h"

/* Tests compile this file with other numbers. */
#ifndef MOST_RECORDS
#  define MOST_RECORDS 8  /* of a label, as long as processes that add some do not race */
#endif
#ifndef MEETINGS
#  define MEETINGS 16     /* so many within MEETING_TIME, and a process moves to another record */
#endif
#ifndef FIRST_WAITING
#  define FIRST_WAITING 4
#endif
#ifndef FIRST_TAKEN
#  define FIRST_TAKEN 16
#endif
#ifndef CLOCK
#  define CLOCK() ((int64_t)clock())  /* processor time of this process; on Windows, time since its start */
#endif
#define MEETING_TIME (CLOCKS_PER_SEC / 1000)

/* ---- The table ---- */

/* Records of a label, by their counts. */
typedef struct record_block {
    struct record_block *next;  /* of the first block, the newest; of any other, the one that it followed */
    Py_ssize_t used;
    int64_t *counts[MOST_RECORDS];
} record_block;

/* The records of a label. */
typedef struct {
    int64_t *count;         /* with the GIL the one to count in, otherwise the first; NULL until there is one */
    record_block *records;  /* all, if there are several; otherwise NULL */
    int64_t meetings;       /* since `last` */
    int64_t last;           /* when meetings were last compared with the clock */
    int64_t moves;          /* since the label last got a record */
} table_value;

static inline void
table_value_init(table_value *value)
{
    *value = (table_value){0};
}

static inline void
table_value_clear(table_value *value)
{
    for (record_block *block = value->records, *next; block != NULL; block = next) {
        next = block->next;
        PyMem_RawFree(block);
    }
}

#define ENTRY_ALIGNMENT sizeof(void *)
#include "table.h"

enum record_state { RECORD_NEW, RECORD_WAITING, RECORD_TAKEN };

/* A map of which all fields are 0 has no memory yet. */
typedef struct {
    label_log log;            /* `begin` is published when all else is complete */
    label_table table;
    Py_ssize_t scanned;       /* an offset in the log */
    uint8_t *states;          /* an enum record_state for each line of the log */
    Py_ssize_t *waiting;      /* offsets */
    Py_ssize_t waiting_used;
    Py_ssize_t waiting_size;
    Py_ssize_t labels;        /* of the records that have been taken in */
    int locked;               /* for all that follows `table`, and the records of labels */
} shared_map;

/* _labels.pxi has these two, in Cython.  A label that cannot be decoded is None. */
static PyObject *encode_label(PyObject *label);
static PyObject *decode_label(PyObject *encoded);

/* ---- Records of a label ---- */

/* Which of a label's records to count in.  With the GIL threads do not meet, so all threads of a process count in one.
 * Without it, each thread chooses its own. */
#ifdef Py_GIL_DISABLED

static THREAD_LOCAL Py_ssize_t chosen_record;

static inline Py_ssize_t
record_chosen(table_value *value, record_block *records)
{
    (void)value;
    return chosen_record % LOAD_SIZE(&records->used);
}

static inline void
choose_record(table_value *value, record_block *records, Py_ssize_t index)
{
    (void)value, (void)records;
    chosen_record = index;
}

static inline int64_t *
count_chosen(table_value *value)
{
    record_block *records = LOAD(&value->records);
    return records == NULL ? LOAD(&value->count) : records->counts[record_chosen(value, records)];
}

#else

static inline Py_ssize_t
record_chosen(table_value *value, record_block *records)
{
    Py_ssize_t index = 0;
    while (index < records->used && records->counts[index] != value->count) {
        index++;
    }
    return index;
}

static inline void
choose_record(table_value *value, record_block *records, Py_ssize_t index)
{
    value->count = records->counts[index];
}

static inline int64_t *
count_chosen(table_value *value)
{
    return value->count;
}

#endif

/* How many records there are to choose from. */
static inline Py_ssize_t
records_known(table_value *value)
{
    record_block *records = LOAD(&value->records);
    return records != NULL ? LOAD_SIZE(&records->used) : LOAD(&value->count) != NULL;
}

/* Append a record to those of a label, with the lock held.  Returns 0 if a block is needed, and there is none.  Takes
 * the block that it uses. */
static int
append_record(table_value *value, int64_t *count, record_block **spare)
{
    record_block *first = value->records, *last = first != NULL && first->next != NULL ? first->next : first;
    if (value->count == NULL) {
        PUBLISH(&value->count, count);
        return 1;
    }
    if (last != NULL && last->used < MOST_RECORDS) {
        last->counts[last->used] = count;
        PUBLISH_SIZE(&last->used, last->used + 1);
        return 1;
    }
    if (*spare == NULL) {
        return 0;
    }
    record_block *block = *spare;
    *spare = NULL;
    if (first == NULL) {
        block->counts[block->used++] = value->count;
    }
    block->counts[block->used++] = count;
    block->next = first == NULL ? NULL : first->next;
    PUBLISH(first == NULL ? &value->records : &first->next, block);
    return 1;
}

/* The sum of 64-bit integers, which may have more than 64 bits itself.  The low halves are added apart. */
typedef struct {
    int64_t high, low;
} wide_sum;

static inline void
add_to_sum(wide_sum *sum, int64_t count)
{
    sum->low += count & 0xFFFFFFFF;
    sum->high += (count >> 32) + (sum->low >> 32);
    sum->low &= 0xFFFFFFFF;
}

static PyObject *
sum_as_int(wide_sum sum)
{
    if (fits(sum.high, (int64_t)1 << 31)) {
        return PyLong_FromLongLong(sum.high * ((int64_t)1 << 32) + sum.low);
    }
    PyObject *bits = PyLong_FromLong(32), *high = PyLong_FromLongLong(sum.high), *low = PyLong_FromLongLong(sum.low);
    PyObject *shifted = bits == NULL || high == NULL ? NULL : PyNumber_Lshift(high, bits);
    PyObject *result = shifted == NULL || low == NULL ? NULL : PyNumber_Add(shifted, low);
    Py_XDECREF(bits);
    Py_XDECREF(high);
    Py_XDECREF(low);
    Py_XDECREF(shifted);
    return result;
}

/* A position among the records of a label. */
typedef struct {
    int64_t *count;         /* the only one */
    record_block *block;
    Py_ssize_t index;
} record_cursor;

static inline record_cursor
records_of(table_value *value)
{
    record_block *records = LOAD(&value->records);
    return (record_cursor){records == NULL ? LOAD(&value->count) : NULL, records, 0};
}

/* The next record's count, or NULL at the end. */
static inline int64_t *
next_record(record_cursor *cursor)
{
    int64_t *count = cursor->count;
    cursor->count = NULL;
    if (cursor->block != NULL && cursor->index == LOAD_SIZE(&cursor->block->used)) {
        cursor->block = LOAD(&cursor->block->next);
        cursor->index = 0;
    }
    return cursor->block == NULL ? count : cursor->block->counts[cursor->index++];
}

static PyObject *
label_count(table_value *value)
{
    wide_sum sum = {0};
    record_cursor cursor = records_of(value);
    for (int64_t *count = next_record(&cursor); count != NULL; count = next_record(&cursor)) {
        add_to_sum(&sum, _Py_atomic_load_int64(count));
    }
    return sum_as_int(sum);
}

/* ---- Taking in records ---- */

static int
raise_damage(Py_ssize_t offset)
{
    return set_error(PyExc_ValueError, "the memory is damaged: at offset %zd is no label", offset);
}

/* All records in front of an offset are taken in or in `waiting`. */
static inline void
move_scanned(shared_map *map, Py_ssize_t offset)
{
    spin_lock(&map->locked);
    if (map->scanned < offset) {
        PUBLISH_SIZE(&map->scanned, offset);
    }
    spin_unlock(&map->locked);
}

/* Append the record at an offset to those of its label, unless a thread has taken it in.  Returns 0 as append_record()
 * does. */
static int
append_once(shared_map *map, table_value *value, Py_ssize_t offset, record_block **spare)
{
    spin_lock(&map->locked);
    uint8_t *state = &map->states[offset / LINE];
    int is_new = value->count == NULL;
    int done = *state == RECORD_TAKEN;
    if (!done && append_record(value, &log_record_at(&map->log, offset)->count, spare)) {
        map->labels += is_new;
        *state = RECORD_TAKEN;
        done = 1;
    }
    spin_unlock(&map->locked);
    return done;
}

/* Take in the record at an offset, whose label this is.  Returns -1 if memory runs out. */
static int
take_in_record(shared_map *map, PyObject *label, Py_ssize_t offset)
{
    record_block *spare = NULL;
    table_entry *entry = table_entry_of(&map->table, label);
    if (entry == NULL) {
        return -1;
    }
    while (!append_once(map, &entry->value, offset, &spare)) {
        spare = PyMem_RawCalloc(1, sizeof(record_block));
        if (spare == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    PyMem_RawFree(spare);
    return 0;
}

/* The same for a record that is ready, with a label of so many bytes.  Returns -1 also if it is damaged. */
static int
take_in_ready(shared_map *map, Py_ssize_t offset, Py_ssize_t length)
{
    PyObject *encoded = PyBytes_FromStringAndSize(NULL, length);
    if (encoded == NULL) {
        return -1;
    }
    log_copy_label(&map->log, offset, PyBytes_AS_STRING(encoded), length);
    PyObject *label = decode_label(encoded);
    Py_DECREF(encoded);
    if (label == NULL) {
        return -1;
    }
    int status = label == Py_None ? raise_damage(offset) : take_in_record(map, label, offset);
    Py_DECREF(label);
    return status;
}

/* Put an offset into `waiting` with the lock held, unless it is there or its record is taken in.  Returns 0 if there is
 * no room. */
static int
append_waiting(shared_map *map, Py_ssize_t offset)
{
    uint8_t *state = &map->states[offset / LINE];
    if (*state == RECORD_NEW) {
        if (map->waiting_used == map->waiting_size) {
            return 0;
        }
        map->waiting[map->waiting_used] = offset;
        PUBLISH_SIZE(&map->waiting_used, map->waiting_used + 1);
        *state = RECORD_WAITING;
    }
    return 1;
}

/* Replace a full `waiting` by a larger one.  Everybody uses it with the lock held, so the old one can be freed. */
static int
grow_waiting(shared_map *map, Py_ssize_t size)
{
    Py_ssize_t new_size = size == 0 ? FIRST_WAITING : 2 * size;
    Py_ssize_t *grown = PyMem_RawCalloc(new_size, sizeof(Py_ssize_t)), *unused = grown;
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    spin_lock(&map->locked);
    if (map->waiting_size == size) {
        unused = map->waiting;
        for (Py_ssize_t index = 0; index < size; index++) {
            grown[index] = unused[index];
        }
        map->waiting = grown;
        map->waiting_size = new_size;
    }
    spin_unlock(&map->locked);
    PyMem_RawFree(unused);
    return 0;
}

/* Wait for a record that is claimed and not ready.  Returns -1 if memory runs out. */
static int
wait_for_record(shared_map *map, Py_ssize_t offset)
{
    for (;;) {
        spin_lock(&map->locked);
        Py_ssize_t size = map->waiting_size;
        int done = append_waiting(map, offset);
        spin_unlock(&map->locked);
        if (done || grow_waiting(map, size) < 0) {
            return done - 1;
        }
    }
}

/* Step down from `index` to the next offset in `waiting`, and leave out those that are taken in.  Returns 0 at the end.
 *
 * The last offset takes the place of one that is left out.  A thread that goes down has seen it already, or it is
 * new. */
static int
next_waiting(shared_map *map, Py_ssize_t *index, Py_ssize_t *offset)
{
    int found = 0;
    spin_lock(&map->locked);
    *index = Py_MIN(*index, map->waiting_used);
    while (*index > 0 && !found) {
        *offset = map->waiting[--*index];
        found = map->states[*offset / LINE] != RECORD_TAKEN;
        if (!found) {
            PUBLISH_SIZE(&map->waiting_used, map->waiting_used - 1);
            map->waiting[*index] = map->waiting[map->waiting_used];
        }
    }
    spin_unlock(&map->locked);
    return found;
}

/* Take in the record at an offset, or wait for it.  Sets its length and returns 1, or 0 if there is none.  Returns -1
 * if it is damaged or memory runs out. */
static int
take_in_at(shared_map *map, Py_ssize_t offset, Py_ssize_t *length)
{
    switch (log_look(&map->log, offset, length)) {
        case LOG_FREE:
            return 0;
        case LOG_CLAIMED:
            return wait_for_record(map, offset) < 0 ? -1 : 1;
        case LOG_READY:
            return take_in_ready(map, offset, *length) < 0 ? -1 : 1;
        default:
            return raise_damage(offset);
    }
}

/* Take in all records that are ready, and set `end` to the offset behind the last record.  Returns -1 as take_in_at()
 * does. */
static int
take_in(shared_map *map, Py_ssize_t *end)
{
    Py_ssize_t length, offset = LOAD_SIZE(&map->scanned), index = LOAD_SIZE(&map->waiting_used), claimed;
    while (index > 0 && next_waiting(map, &index, &claimed)) {
        int found = take_in_at(map, claimed, &length);
        if (found <= 0) {
            return found == 0 ? raise_damage(claimed) : -1;
        }
    }
    int found;
    while ((found = take_in_at(map, offset, &length)) > 0) {
        offset = log_next(offset, length);
        move_scanned(map, offset);
    }
    *end = offset;
    return found;
}

static inline int
check_open(shared_map *map)
{
    if (LOAD(&map->log.begin) == NULL) {
        return set_error(PyExc_RuntimeError, "SharedCounterMap.__init__() has not been called");
    }
    return 0;
}

/* The number of labels that have been taken in. */
static inline Py_ssize_t
labels_known(shared_map *map)
{
    spin_lock(&map->locked);
    Py_ssize_t labels = map->labels;
    spin_unlock(&map->locked);
    return labels;
}

/* Set `entry` to that of an exact label, and return how many records there are to choose from, 0 if there is no label.
 * Returns -1 if the look-up fails. */
static inline Py_ssize_t
find_records(shared_map *map, PyObject *label, table_entry **entry)
{
    *entry = NULL;
    int found = table_find(&map->table, label, entry);
    return found == 1 ? records_known(&(*entry)->value) : found;
}

/* ---- Adding records ---- */

/* Return the count of a new record of a label, or that of the chosen record if the label has `most` records.  Returns
 * NULL with an exception set if that fails, and without one if the record would end behind `room`. */
static int64_t *
add_record(shared_map *map, PyObject *label, Py_ssize_t most, Py_ssize_t room)
{
    PyObject *encoded = encode_label(label);
    int64_t *count = NULL;
    enum log_status status = LOG_TAKEN;
    while (status == LOG_TAKEN && encoded != NULL) {  /* that record may be the label's */
        Py_ssize_t length = PyBytes_GET_SIZE(encoded), end;
        table_entry *entry;
        if (take_in(map, &end) < 0) {
            break;
        }
        Py_ssize_t known = find_records(map, label, &entry);
        if (known < 0) {
            break;
        }
        if (known >= most) {
            count = count_chosen(&entry->value);
            break;
        }
        status = log_claim(&map->log, end, length, room);
        if (status == LOG_CLAIMED) {
            log_publish(&map->log, end, PyBytes_AS_STRING(encoded), length);
            count = &log_record_at(&map->log, end)->count;
            if (take_in_record(map, label, end) == 0) {
                move_scanned(map, log_next(end, length));
            }
            else {
                PyErr_Clear();  /* what is counted there is counted: take_in() finds the record again */
            }
        }
    }
    Py_XDECREF(encoded);
    return count;
}

static void
raise_full(shared_map *map, PyObject *label)
{
    PyObject *text = PyObject_Repr(label);
    if (text == NULL) {
        PyErr_Clear();  /* an int may have more digits than Python shows */
        text = PyObject_Repr((PyObject *)Py_TYPE(label));
    }
    if (text != NULL) {
        PyErr_Format(PyExc_ValueError, "no room for the label %.200U: %zd labels take %zd of %zd bytes of memory",
                     text, labels_known(map), LOAD_SIZE(&map->scanned), map->log.size);
        Py_DECREF(text);
    }
}

/* Return the count of a label that the table does not have yet.  NULL with an exception set if that fails. */
static int64_t *
add_label(shared_map *map, PyObject *label)
{
    if (check_open(map) < 0) {
        return NULL;
    }
    int64_t *count = add_record(map, label, 1, map->log.size);
    if (count == NULL && PyErr_Occurred() == NULL) {
        raise_full(map, label);
    }
    return count;
}

/* ---- Processes that meet ----
 *
 * If the compare-and-exchange of an addition fails, another process, or another thread on a free-threaded build, has
 * counted in the same record at the same moment.  Who meets others again and again within a short time goes on with
 * another record of the label.  If it has tried all, it adds one: never more than MOST_RECORDS, and never behind the
 * middle of the memory, so that new labels find room.  So the number of records does not grow with the number of
 * processes that come and go, nor if many processes and labels meet now and then. */

/* Whether such meetings have come close together. */
static int
meets_often(table_value *value, int64_t meetings)
{
    meetings += _Py_atomic_load_int64_relaxed(&value->meetings);
    if (meetings < MEETINGS) {
        _Py_atomic_store_int64_relaxed(&value->meetings, meetings);
        return 0;
    }
    int64_t now = CLOCK(), last = _Py_atomic_load_int64_relaxed(&value->last);
    _Py_atomic_store_int64_relaxed(&value->meetings, 0);
    _Py_atomic_store_int64_relaxed(&value->last, now);
    return now - last < MEETING_TIME;
}

/* Count in another record of the label from now on.  What fails here is no error: the addition has counted. */
static Py_NO_INLINE void
move_apart(shared_map *map, table_entry *entry)
{
    table_value *value = &entry->value;
    record_block *records = LOAD(&value->records);
    Py_ssize_t known = records_known(value), moves = (Py_ssize_t)_Py_atomic_load_int64_relaxed(&value->moves);
    Py_ssize_t next = records == NULL ? 0 : record_chosen(value, records) + 1;
    if (moves + 1 >= known) {
        moves = -1;
        if (add_record(map, entry->label, MOST_RECORDS, map->log.size / 2) == NULL) {
            PyErr_Clear();
        }
        records = LOAD(&value->records);
        if (records_known(value) > known) {
            next = records_known(value) - 1;
        }
    }
    _Py_atomic_store_int64_relaxed(&value->moves, moves + 1);
    if (records != NULL) {
        choose_record(value, records, next % records_known(value));
    }
}

/* ---- Counting ---- */

/* Add to the count of an exact label.  Returns -1 with an exception set if that fails, and the count is unchanged. */
static inline int
shared_map_add(shared_map *map, PyObject *label, int64_t amount)
{
    table_entry *entry;
    int64_t after;
    int found = table_find(&map->table, label, &entry);
    int64_t *count = found == 1 ? count_chosen(&entry->value) : NULL;
    if (count == NULL) {
        count = found < 0 ? NULL : add_label(map, label);
        return count == NULL || shared_count_add(count, amount, &after) < 0 ? -1 : 0;
    }
    int meetings = shared_count_add(count, amount, &after);
    if (meetings > 0 && meets_often(&entry->value, meetings)) {
        move_apart(map, entry);
    }
    return meetings < 0 ? -1 : 0;
}

/* ---- Reading ---- */

/* Take in what other processes have added.  Whoever reads, begins with this.  Returns -1 if that fails. */
static inline int
shared_map_refresh(shared_map *map)
{
    Py_ssize_t end;
    return check_open(map) < 0 ? -1 : take_in(map, &end);
}

/* Return the count of an exact label.  If there is no such label, or it is NULL, return `missing`, or 0 if that is
 * NULL. */
static PyObject *
shared_map_get(shared_map *map, PyObject *label, PyObject *missing)
{
    table_entry *entry;
    if (shared_map_refresh(map) < 0) {
        return NULL;
    }
    Py_ssize_t known = label == NULL ? 0 : find_records(map, label, &entry);
    if (known > 0) {
        return label_count(&entry->value);
    }
    if (known < 0) {
        return NULL;
    }
    return missing == NULL ? PyLong_FromLong(0) : Py_NewRef(missing);
}

static int
shared_map_contains(shared_map *map, PyObject *label)
{
    table_entry *entry;
    if (shared_map_refresh(map) < 0) {
        return -1;
    }
    Py_ssize_t known = find_records(map, label, &entry);
    return known > 0 ? 1 : (int)known;
}

static Py_ssize_t
shared_map_length(shared_map *map)
{
    return shared_map_refresh(map) < 0 ? -1 : labels_known(map);
}

/* How many bytes of the memory are used, as far as this process knows. */
static inline Py_ssize_t
shared_map_used(shared_map *map)
{
    return LOAD_SIZE(&map->scanned);
}

static inline table_cursor
shared_map_all(shared_map *map)
{
    return table_all(&map->table);
}

/* The next entry that has records, or NULL at the end. */
static inline table_entry *
shared_map_next(table_cursor *cursor)
{
    table_entry *entry = table_next(cursor);
    while (entry != NULL && records_known(&entry->value) == 0) {
        entry = table_next(cursor);
    }
    return entry;
}

/* What a reset has taken from a record. */
typedef struct {
    PyObject *label;
    int64_t *count;
    int64_t taken;
} taken_count;

typedef struct {
    taken_count *counts;
    Py_ssize_t used, size;
} taken_counts;

/* Make room for more.  Returns -1 if memory runs out. */
static int
grow_taken(taken_counts *taken)
{
    Py_ssize_t size = taken->size == 0 ? FIRST_TAKEN : 2 * taken->size;
    taken_count *grown = PyMem_RawCalloc(size, sizeof(taken_count));
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t index = 0; index < taken->used; index++) {
        grown[index] = taken->counts[index];
    }
    PyMem_RawFree(taken->counts);
    taken->counts = grown;
    taken->size = size;
    return 0;
}

/* Set the counts of all records to 0.  Returns -1 if memory runs out. */
static int
take_counts(shared_map *map, taken_counts *taken)
{
    table_cursor entries = shared_map_all(map);
    for (table_entry *entry = table_next(&entries); entry != NULL; entry = table_next(&entries)) {
        record_cursor records = records_of(&entry->value);
        for (int64_t *count = next_record(&records); count != NULL; count = next_record(&records)) {
            if (taken->used == taken->size && grow_taken(taken) < 0) {
                return -1;
            }
            int64_t amount = _Py_atomic_exchange_int64(count, 0);
            taken->counts[taken->used++] = (taken_count){entry->label, count, amount};
        }
    }
    return 0;
}

/* Return a dict of the counts that are not 0. */
static PyObject *
taken_as_dict(taken_counts taken)
{
    PyObject *counts = PyDict_New();
    for (Py_ssize_t index = 0; index < taken.used && counts != NULL;) {
        PyObject *label = taken.counts[index].label;
        wide_sum sum = {0};
        for (; index < taken.used && taken.counts[index].label == label; index++) {
            add_to_sum(&sum, taken.counts[index].taken);
        }
        if (sum.high != 0 || sum.low != 0) {
            PyObject *count = sum_as_int(sum);
            if (count == NULL || PyDict_SetItem(counts, label, count) < 0) {
                Py_CLEAR(counts);
            }
            Py_XDECREF(count);
        }
    }
    return counts;
}

/* Set all counts to 0 and return a dict of those that were not.  If memory runs out, put back what was taken. */
static PyObject *
shared_map_reset(shared_map *map)
{
    if (shared_map_refresh(map) < 0) {
        return NULL;
    }
    taken_counts taken = {0};
    PyObject *counts = take_counts(map, &taken) < 0 ? NULL : taken_as_dict(taken);
    for (Py_ssize_t index = 0; counts == NULL && index < taken.used; index++) {
        int64_t after;
        shared_count_add(taken.counts[index].count, taken.counts[index].taken, &after);
    }
    PyMem_RawFree(taken.counts);
    return counts;
}

/* ---- The object ---- */

/* Open the log in memory that the caller keeps.  If the status is not LOG_OPEN, nothing has happened.  -1 if memory
 * runs out. */
static int
shared_map_open(shared_map *map, char *begin, Py_ssize_t size, int64_t *number)
{
    label_log log;
    uint8_t *states = PyMem_RawCalloc(size / LINE + 1, sizeof(uint8_t));
    if (states == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    enum log_status status = log_open(&log, begin, size, number);
    if (status != LOG_OPEN) {
        PyMem_RawFree(states);
        return status;
    }
    map->states = states;
    map->scanned = LINE;
    map->log.size = log.size;
    PUBLISH(&map->log.begin, begin);
    return status;
}

static void
shared_map_free(shared_map *map)
{
    table_free(&map->table);
    PyMem_RawFree(map->states);
    PyMem_RawFree(map->waiting);
}

#endif
