/* A table of labels, each with a value.  It does not know what the values are: who includes this file first defines
 *
 *   - table_value, the type of a value;
 *   - table_value_init() and table_value_clear(), which take a pointer to one and cannot fail;
 *   - ENTRY_ALIGNMENT: an entry, which is a label and its value, begins at a multiple of it.
 *
 * It is a hash table with open addressing that only grows, until a reset takes all that it has.  A slot is empty or
 * points to an entry, and never changes again.  Slots that have become too few are replaced by a copy with twice as
 * many, and stay as long as the entries: a thread may be looking up a label in them, or a label's `__eq__`, called by a
 * look-up in them, may have made the table grow.  A table of which all bytes are 0 is empty.
 *
 * Thread safety:
 *
 *   - A look-up takes no lock, and counts no reference to what it finds.  Entries and slots are complete when they are
 *     published, and are published by a release store.
 *   - `__hash__` and `__eq__` may run Python code.  They are called only without the lock, and before anything changes.
 *   - A new label is published with the lock held, if the slot at which the look-up ended is still empty, and its slots
 *     not full.  Otherwise the look-up is repeated.  So no label gets two entries.
 *   - A thread that finds the slots full makes a larger copy.  No thread adds to full slots, so the copy is complete.
 *   - A thread that goes over all labels, or counts them, takes the lock to read their number; see table_used().
 *     Whether slots are full is read without the lock, and again with it before a label is published.
 *   - While a thread holds the lock, it only loads and stores memory.  With the GIL that is atomic without a lock.
 *   - A reset takes everything at a moment at which no other thread runs; see world.h.  A thread that has stopped for it
 *     was at a point at which CPython can stop a thread: in Python code, or where an object is dropped, since that may
 *     take a mutex.  After such a point a thread compares the number of resets, and if it has changed, does not touch
 *     what it knew: slots, entries, values.  Pointers tell nothing, since memory that was freed is used again.  There is
 *     no such point between the end of a search and the use of what it has found, nor in a search for a simple label:
 *     what allocates there is the raw allocator, which knows no thread.  (While tracemalloc traces, the first versions
 *     of 3.14 may stop a thread there: python/cpython#144763.)
 */
#ifndef FASTCOUNTER_TABLE_H
#define FASTCOUNTER_TABLE_H

#include "atomics.h"
#include "cache_lines.h"
#include "labels.h"
#include "lock.h"

typedef union {
    struct {
        PyObject *label;  /* a strong reference */
        Py_hash_t hash;
        table_value value;
    };
    char room[ROUND_UP(sizeof(PyObject *) + sizeof(Py_hash_t) + sizeof(table_value), ENTRY_ALIGNMENT)];
} table_entry;

/* Entries in the order in which their labels were added. */
typedef struct entry_block {
    struct entry_block *next;  /* of the last block, the first one */
    Py_ssize_t size;
    Py_ssize_t used;
    table_entry *entries;  /* in the same memory */
} entry_block;

typedef struct slot_array {
    struct slot_array *previous;
    size_t mask;           /* the number of slots, a power of two, less 1 */
    Py_ssize_t used;       /* the number of slots that are taken, which is that of the labels */
    table_entry *slots[];
} slot_array;

typedef struct {
    slot_array *slots;
    entry_block *last;     /* its `next` is the first block */
    size_t resets;         /* changes only while no other thread runs */
    int locked;
} label_table;

/* Where the search for a label has ended. */
typedef struct {
    PyObject *label;
    Py_hash_t hash;
    slot_array *slots;     /* NULL if the table has none yet */
    table_entry **slot;    /* the label's, or the empty one where it belongs; NULL if there are no slots */
} label_place;

/* Tests compile this file with smaller limits, as they do the cell. */
#ifndef FIRST_SLOTS
#  define FIRST_SLOTS 8
#endif
#ifndef FIRST_ENTRIES
#  define FIRST_ENTRIES 4
#endif
#ifndef MOST_ENTRIES
#  define MOST_ENTRIES 64  /* in a block, so that a large table has little unused memory */
#endif

/* ---- Looking up ---- */

static inline size_t
next_slot(size_t index, size_t *rest_of_hash)
{
    *rest_of_hash >>= 5;
    return 5 * index + *rest_of_hash + 1;  /* the order in which CPython's dict probes */
}

#define WAS_RESET 2

static Py_NO_INLINE int
compare_any(label_table *table, table_entry *entry, PyObject *label)
{
    int equal = simple_labels_equal(entry->label, label, MOST_SIMPLE_LEVELS);
    if (equal >= 0) {
        return equal;
    }
    size_t resets = table->resets;
    PyObject *other = Py_NewRef(entry->label);
    equal = PyObject_RichCompareBool(other, label, Py_EQ);
    Py_DECREF(other);
    return equal >= 0 && table->resets != resets ? WAS_RESET : equal;
}

/* Compare a label with that of an entry.  Returns 1 if they are equal, 0 if not, -1 if comparing fails, and WAS_RESET if
 * the entry has gone meanwhile. */
static inline Py_ALWAYS_INLINE int
table_compare(label_table *table, table_entry *entry, PyObject *label)
{
    if (PyUnicode_CheckExact(entry->label) && PyUnicode_CheckExact(label)) {
        return strings_equal(entry->label, label);
    }
    return compare_any(table, entry, label);
}

/* Search for the label of a place, whose hash is there too, and set the rest of the place.  Returns 1 if the table has
 * the label, 0 if not, and -1 if comparing labels fails. */
static inline int
table_search(label_table *table, label_place *place)
{
begin:
    place->slots = LOAD(&table->slots);
    place->slot = NULL;
    if (place->slots == NULL) {
        return 0;
    }
    size_t rest_of_hash = (size_t)place->hash;
    for (size_t index = (size_t)place->hash;; index = next_slot(index, &rest_of_hash)) {
        place->slot = &place->slots->slots[index & place->slots->mask];
        table_entry *entry = LOAD(place->slot);
        if (entry == NULL) {
            return 0;
        }
        if (entry->label == place->label) {
            return 1;
        }
        if (entry->hash == place->hash) {
            int equal = table_compare(table, entry, place->label);
            if (equal == WAS_RESET) {
                goto begin;
            }
            if (equal != 0) {
                return equal;
            }
        }
    }
}

/* Begin a search.  Returns 0 if hashing the label fails. */
static inline int
place_of(PyObject *label, label_place *place)
{
    place->label = label;
    place->hash = label_hash(label);
    return place->hash != -1;
}

/* ---- Adding labels ---- */

/* Slots are full when three quarters of them are taken: look-ups for labels that are not there end soon, and a label
 * takes at most 43 bytes in slots, the previous ones included. */
static inline int
are_full(slot_array *slots)
{
    return slots == NULL || (size_t)LOAD_SIZE(&slots->used) >= (slots->mask + 1) / 4 * 3;
}

static inline int
is_block_full(entry_block *block)
{
    return block == NULL || LOAD_SIZE(&block->used) >= block->size;
}

/* Replace full slots by twice as many, unless another thread has done so.  -1 if memory runs out. */
static int
table_grow(label_table *table, slot_array *full)
{
    size_t number = full == NULL ? FIRST_SLOTS : 2 * (full->mask + 1);
    slot_array *grown = PyMem_RawCalloc(1, sizeof(slot_array) + number * sizeof(table_entry *));
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    grown->previous = full;
    grown->mask = number - 1;
    grown->used = full == NULL ? 0 : LOAD_SIZE(&full->used);
    for (size_t old = 0; full != NULL && old <= full->mask; old++) {
        table_entry *entry = LOAD(&full->slots[old]);
        if (entry != NULL) {
            size_t rest_of_hash = (size_t)entry->hash, index = (size_t)entry->hash;
            while (grown->slots[index & grown->mask] != NULL) {
                index = next_slot(index, &rest_of_hash);
            }
            grown->slots[index & grown->mask] = entry;
        }
    }
    spin_lock(&table->locked);
    int done = table->slots == full;
    if (done) {
        PUBLISH(&table->slots, grown);
    }
    spin_unlock(&table->locked);
    if (!done) {
        PyMem_RawFree(grown);
    }
    return 0;
}

/* Append a block to a full one, unless another thread has done so.  -1 if memory runs out. */
static int
table_append_block(label_table *table, entry_block *last)
{
    Py_ssize_t size = last == NULL ? FIRST_ENTRIES : Py_MIN(2 * last->size, MOST_ENTRIES);
    entry_block *block = PyMem_RawCalloc(1, sizeof(entry_block) + ENTRY_ALIGNMENT + size * sizeof(table_entry));
    if (block == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    block->size = size;
    block->entries = align(block + 1, ENTRY_ALIGNMENT);
    spin_lock(&table->locked);
    int done = table->last == last;
    if (done) {
        block->next = last == NULL ? block : last->next;
        if (last != NULL) {
            PUBLISH(&last->next, block);
        }
        PUBLISH(&table->last, block);
    }
    spin_unlock(&table->locked);
    if (!done) {
        PyMem_RawFree(block);
    }
    return 0;
}

/* Add the label at its place, an empty slot, with a new value.  Returns NULL if the slot has been taken since the
 * search, or if there is no room.  Only full slots are ever replaced, so if these are not full, they are still the
 * table's. */
static table_entry *
table_publish(label_table *table, label_place *place, entry_block *block)
{
    table_entry *entry = NULL;
    spin_lock(&table->locked);
    if (*place->slot == NULL && !are_full(place->slots) && !is_block_full(block)) {
        entry = &block->entries[block->used];
        entry->label = Py_NewRef(place->label);
        entry->hash = place->hash;
        table_value_init(&entry->value);
        PUBLISH(place->slot, entry);
        PUBLISH_SIZE(&block->used, block->used + 1);
        PUBLISH_SIZE(&place->slots->used, place->slots->used + 1);
    }
    spin_unlock(&table->locked);
    return entry;
}

/* Add a label that a search has not found, and return its entry.  NULL if comparing fails or memory runs out. */
static table_entry *
table_add(label_table *table, label_place *place)
{
    for (;;) {
        int status = 0;
        entry_block *block = LOAD(&table->last);
        if (are_full(place->slots)) {
            status = table_grow(table, place->slots);
        }
        else if (is_block_full(block)) {
            status = table_append_block(table, block);
        }
        else {
            table_entry *entry = table_publish(table, place, block);
            if (entry != NULL) {
                return entry;
            }
        }
        if (status == 0) {
            status = table_search(table, place);
        }
        if (status != 0) {
            return status < 0 ? NULL : LOAD(place->slot);
        }
    }
}

/* Return the entry of a label that has been hashed, and make it if there is none.  NULL if comparing fails, or memory
 * runs out. */
static inline table_entry *
table_entry_at(label_table *table, label_place *place)
{
    int found = table_search(table, place);
    if (found < 0) {
        return NULL;
    }
    return found ? LOAD(place->slot) : table_add(table, place);
}

/* The same for a label that has not been hashed.  NULL also if hashing it fails. */
static inline table_entry *
table_entry_of(label_table *table, PyObject *label)
{
    label_place place;
    return place_of(label, &place) ? table_entry_at(table, &place) : NULL;
}

/* Set `entry` to the label's entry and return 1.  Returns 0 if there is none, or -1 if hashing or comparing fails. */
static inline int
table_find(label_table *table, PyObject *label, table_entry **entry)
{
    label_place place;
    if (!place_of(label, &place)) {
        return -1;
    }
    int found = table_search(table, &place);
    if (found == 1) {
        *entry = LOAD(place.slot);
    }
    return found;
}

/* ---- All labels ---- */

/* A position among the entries that the table had when the cursor was made, in the order in which they were added. */
typedef struct {
    const label_table *table;
    size_t resets;
    entry_block *block;
    Py_ssize_t index;
    Py_ssize_t left;
} table_cursor;

/* Another thread may be publishing a label that is in its slot and not yet in `used`.  With the lock this waits until it
 * is in both, so a thread that has found a label sees it among all labels too. */
static inline table_cursor
table_all(label_table *table)
{
    spin_lock(&table->locked);
    slot_array *slots = table->slots;
    entry_block *first = table->last == NULL ? NULL : table->last->next;
    table_cursor cursor = {table, table->resets, first, 0, slots == NULL ? 0 : slots->used};
    spin_unlock(&table->locked);
    return cursor;
}

/* The number of labels. */
static inline Py_ssize_t
table_used(label_table *table)
{
    return table_all(table).left;
}

/* The next entry, or NULL at the end, or after a reset. */
static inline table_entry *
table_next(table_cursor *cursor)
{
    if (cursor->left == 0 || cursor->table->resets != cursor->resets) {
        return NULL;
    }
    if (cursor->index == cursor->block->size) {
        cursor->block = LOAD(&cursor->block->next);
        cursor->index = 0;
    }
    cursor->left--;
    return &cursor->block->entries[cursor->index++];
}

/* ---- Memory ---- */

/* The bytes of slots and entries, without what labels and values refer to. */
static inline size_t
table_size(label_table *table)
{
    size_t size = 0;
    for (slot_array *slots = LOAD(&table->slots); slots != NULL; slots = slots->previous) {
        size += sizeof(slot_array) + (slots->mask + 1) * sizeof(table_entry *);
    }
    spin_lock(&table->locked);
    entry_block *last = table->last, *block = last;
    while (block != NULL) {
        size += sizeof(entry_block) + ENTRY_ALIGNMENT + (size_t)block->size * sizeof(table_entry);
        block = block->next == last ? NULL : block->next;
    }
    spin_unlock(&table->locked);
    return size;
}

/* Take everything out of a table, while no other thread runs or none can reach it.  Dropping a label may run Python
 * code, which finds the table empty. */
static inline label_table
table_take(label_table *table)
{
    label_table taken = *table;
    table->slots = NULL;
    table->last = NULL;
    table->resets++;
    return taken;
}

static void
table_free(label_table *table)
{
    table_cursor cursor = table_all(table);
    for (table_entry *entry = table_next(&cursor); entry != NULL; entry = table_next(&cursor)) {
        Py_DECREF(entry->label);
        table_value_clear(&entry->value);
    }
    for (slot_array *slots = table->slots, *previous; slots != NULL; slots = previous) {
        previous = slots->previous;
        PyMem_RawFree(slots);
    }
    if (table->last != NULL) {
        entry_block *block = table->last->next;
        table->last->next = NULL;
        for (entry_block *next; block != NULL; block = next) {
            next = block->next;
            PyMem_RawFree(block);
        }
    }
}

#endif
