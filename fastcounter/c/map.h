/* The table of a CounterMap: the cells of all labels.
 *
 * It is a hash table with open addressing that only grows.  An entry is a label, its hash and its cell, and goes only
 * when the map goes.  A slot is empty or points to an entry, and never changes again.  A table that has become too
 * small is replaced by a copy with twice as many slots, and stays until the map goes: a thread may be looking up a
 * label in it, or a label's `__eq__`, called by a look-up in it, may have made the table grow.
 *
 * Thread safety:
 *
 *   - A look-up takes no lock, and counts no reference to what it finds.  Entries, slots and tables are complete when
 *     they are published, and are published by a release store.
 *   - `__hash__` and `__eq__` may run Python code.  They are called only without the lock, and before anything changes.
 *   - A new label is published with the lock held, if the slot at which the look-up ended is still empty, and its table
 *     not full.  Otherwise the look-up is repeated.  So no label gets two entries.
 *   - A thread that finds the table full makes a larger copy.  No thread adds to a full table, so the copy is complete.
 *   - A thread that goes over all labels, or counts them, takes the lock to read their number; see labels_used().
 *     Whether a table is full is read without the lock, and again with it before a label is published.
 *   - While a thread holds the lock, it only loads and stores memory.  With the GIL that is atomic without a lock.
 */
#ifndef FASTCOUNTER_MAP_H
#define FASTCOUNTER_MAP_H

#include "atomics.h"
#include "cell.h"
#include "deferred.h"
#include "lock.h"

#ifdef Py_GIL_DISABLED

#  define LOAD_SIZE(place) _Py_atomic_load_ssize(place)
#  define PUBLISH_SIZE(place, size) _Py_atomic_store_ssize(place, size)
#  define LOAD_HASH(place) _Py_atomic_load_ssize_relaxed(place)

/* Two cache lines, since processors fetch them in pairs: so threads that count with different labels do not meet. */
#  define ENTRY_SIZE 128

/* A label, and the cell that counts it. */
typedef struct {
    PyObject *label;  /* a strong reference */
    Py_hash_t hash;
    void *cell;       /* points to own_cell, as the functions of a cell take the address of such a pointer */
    counter_cell own_cell;
    char padding[ENTRY_SIZE - sizeof(PyObject *) - sizeof(Py_hash_t) - sizeof(void *) - sizeof(counter_cell)];
} map_entry;

static inline void
entry_init(map_entry *entry)
{
    cell_make(&entry->own_cell, CELL_STRIPED);
    entry->cell = &entry->own_cell;
}

static inline void
entry_clear(map_entry *entry)
{
    cell_clear(&entry->own_cell);
}

#else

#  define LOAD_SIZE(place) (*(place))
#  define PUBLISH_SIZE(place, size) ((void)(*(place) = (size)))
#  define LOAD_HASH(place) (*(place))
#  define ENTRY_SIZE sizeof(void *)

typedef struct {
    PyObject *label;  /* a strong reference */
    Py_hash_t hash;
    void *cell;
} map_entry;

static inline void
entry_init(map_entry *entry)
{
    cell_init(&entry->cell);  /* 0 is a small int, so this cannot fail */
}

static inline void
entry_clear(map_entry *entry)
{
    cell_free(&entry->cell);
}

#endif

/* Entries in the order in which their labels were added. */
typedef struct map_block {
    struct map_block *next;
    Py_ssize_t size;
    Py_ssize_t used;
    map_entry *entries;  /* in the same memory */
} map_block;

typedef struct map_table {
    struct map_table *previous;
    size_t mask;         /* the number of slots, a power of two, less 1 */
    map_entry *slots[];
} map_table;

/* A map of which all fields are 0 is empty.  In _map.pxd it is `void *map[6]`, which is enough where a pointer has four
 * bytes too. */
typedef struct {
    map_table *table;
    map_block *first;
    map_block *last;
    Py_ssize_t used;   /* the number of labels */
    int locked;
    uint8_t deferred;  /* whether reference counting is deferred; see deferred.h */
} counter_map;

/* Cython puts the map behind the object's pointer to its table of C-level calls, as it does a counter's cell. */
#define MAP(object) ((counter_map *)((char *)(object) + CELL_OFFSET))

/* Tests compile this file with smaller limits, as they do the cell. */
#ifndef FIRST_SLOTS
#  define FIRST_SLOTS 8
#endif
#ifndef FIRST_ENTRIES
#  define FIRST_ENTRIES 4
#endif
#ifndef MOST_ENTRIES
#  define MOST_ENTRIES 64  /* in a block, so that a large map has little unused memory */
#endif

/* ---- Looking up ---- */

static inline Py_hash_t
label_hash(PyObject *label)
{
#if KNOWN_CPYTHON
    if (PyUnicode_CheckExact(label)) {
        Py_hash_t hash = LOAD_HASH(&((PyASCIIObject *)label)->hash);
        if (hash != -1) {
            return hash;
        }
    }
#endif
    return PyObject_Hash(label);
}

/* Whether two labels with the same hash are equal, or -1 if comparing them fails. */
static int
labels_equal(PyObject *label, PyObject *other)
{
    if (PyUnicode_CheckExact(label) && PyUnicode_CheckExact(other)) {
        Py_ssize_t length = PyUnicode_GET_LENGTH(label);
        return length == PyUnicode_GET_LENGTH(other) && PyUnicode_KIND(label) == PyUnicode_KIND(other)
            && memcmp(PyUnicode_DATA(label), PyUnicode_DATA(other), (size_t)length * PyUnicode_KIND(label)) == 0;
    }
    return PyObject_RichCompareBool(label, other, Py_EQ);
}

static inline size_t
next_slot(size_t index, size_t *rest_of_hash)
{
    *rest_of_hash >>= 5;
    return 5 * index + *rest_of_hash + 1;  /* the order in which CPython's dict probes */
}

/* Set `slot` to the slot of the label and return 1, or to the empty slot where it belongs and return 0.  Returns -1 if
 * comparing labels fails. */
static inline int
map_search(map_table *table, PyObject *label, Py_hash_t hash, map_entry ***slot)
{
    size_t rest_of_hash = (size_t)hash;
    for (size_t index = (size_t)hash;; index = next_slot(index, &rest_of_hash)) {
        *slot = &table->slots[index & table->mask];
        map_entry *entry = LOAD(*slot);
        if (entry == NULL) {
            return 0;
        }
        if (entry->label == label) {
            return 1;
        }
        if (entry->hash == hash) {
            int equal = labels_equal(entry->label, label);
            if (equal != 0) {
                return equal;
            }
        }
    }
}

/* Look the label up in the map's table, which is NULL at first.  Returns what map_search() returns, or -1 if hashing
 * the label fails. */
static inline int
map_look_up(counter_map *map, PyObject *label, Py_hash_t *hash, map_table **table, map_entry ***slot)
{
    *hash = label_hash(label);
    *table = LOAD(&map->table);
    return *hash == -1 ? -1 : *table == NULL ? 0 : map_search(*table, label, *hash, slot);
}

/* ---- Adding labels ---- */

/* A table is full when three quarters of its slots are taken: look-ups for labels that are not there end soon, and a
 * label takes at most 43 bytes in tables, the previous ones included. */
static inline int
is_full(counter_map *map, map_table *table)
{
    return table == NULL || (size_t)LOAD_SIZE(&map->used) >= (table->mask + 1) / 4 * 3;
}

static inline int
is_block_full(map_block *block)
{
    return block == NULL || LOAD_SIZE(&block->used) >= block->size;
}

/* Replace a full table by one with twice as many slots, unless another thread has done so.  -1 if memory runs out. */
static int
map_grow(counter_map *map, map_table *table)
{
    size_t slots = table == NULL ? FIRST_SLOTS : 2 * (table->mask + 1);
    map_table *grown = PyMem_RawCalloc(1, sizeof(map_table) + slots * sizeof(map_entry *));
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    grown->previous = table;
    grown->mask = slots - 1;
    for (size_t old = 0; table != NULL && old <= table->mask; old++) {
        map_entry *entry = LOAD(&table->slots[old]);
        if (entry != NULL) {
            size_t rest_of_hash = (size_t)entry->hash, index = (size_t)entry->hash;
            while (grown->slots[index & grown->mask] != NULL) {
                index = next_slot(index, &rest_of_hash);
            }
            grown->slots[index & grown->mask] = entry;
        }
    }
    spin_lock(&map->locked);
    int done = map->table == table;
    if (done) {
        PUBLISH(&map->table, grown);
    }
    spin_unlock(&map->locked);
    if (!done) {
        PyMem_RawFree(grown);
    }
    return 0;
}

/* Append a block to a full one, unless another thread has done so.  -1 if memory runs out. */
static int
map_append_block(counter_map *map, map_block *last)
{
    Py_ssize_t size = last == NULL ? FIRST_ENTRIES : Py_MIN(2 * last->size, MOST_ENTRIES);
    map_block *block = PyMem_RawCalloc(1, sizeof(map_block) + ENTRY_SIZE + size * sizeof(map_entry));
    if (block == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    block->size = size;
    block->entries = (map_entry *)(((uintptr_t)(block + 1) + ENTRY_SIZE - 1) & ~(uintptr_t)(ENTRY_SIZE - 1));
    spin_lock(&map->locked);
    int done = map->last == last;
    if (done) {
        PUBLISH(last == NULL ? &map->first : &last->next, block);
        PUBLISH(&map->last, block);
    }
    spin_unlock(&map->locked);
    if (!done) {
        PyMem_RawFree(block);
    }
    return 0;
}

/* Add a label at an empty slot, with the count 0.  Returns NULL if the slot has been taken since the look-up, or if
 * there is no room.  A table that has been replaced is full, so the table is still the map's. */
static map_entry *
map_publish(counter_map *map, map_table *table, map_entry **slot, map_block *block, PyObject *label, Py_hash_t hash)
{
    map_entry *entry = NULL;
    spin_lock(&map->locked);
    if (*slot == NULL && !is_full(map, table) && !is_block_full(block)) {
        entry = &block->entries[block->used];
        entry->label = Py_NewRef(label);
        entry->hash = hash;
        entry_init(entry);
        PUBLISH(slot, entry);
        PUBLISH_SIZE(&block->used, block->used + 1);
        PUBLISH_SIZE(&map->used, map->used + 1);
    }
    spin_unlock(&map->locked);
    return entry;
}

/* Add a label that a look-up has not found, and return its entry.  NULL if comparing fails or memory runs out. */
static map_entry *
map_add_label(counter_map *map, PyObject *label, Py_hash_t hash, map_table *table, map_entry **slot)
{
    for (;;) {
        int status = 0;
        map_block *block = LOAD(&map->last);
        if (is_full(map, table)) {
            status = map_grow(map, table);
        }
        else if (is_block_full(block)) {
            status = map_append_block(map, block);
        }
        else {
            map_entry *entry = map_publish(map, table, slot, block, label, hash);
            if (entry != NULL) {
                return entry;
            }
        }
        table = LOAD(&map->table);
        if (status == 0) {
            status = map_search(table, label, hash, &slot);
        }
        if (status != 0) {
            return status < 0 ? NULL : LOAD(slot);
        }
    }
}

/* Return the label's entry, and make it if there is none.  NULL if hashing or comparing fails, or memory runs out. */
static inline map_entry *
map_entry_of(counter_map *map, PyObject *label)
{
    Py_hash_t hash;
    map_table *table;
    map_entry **slot = NULL;
    int found = map_look_up(map, label, &hash, &table, &slot);
    return found == 1 ? LOAD(slot) : found < 0 ? NULL : map_add_label(map, label, hash, table, slot);
}

/* ---- Counting ---- */

static inline int
entry_add(map_entry *entry, PyObject *amount)
{
    return cell_try_add(&entry->cell, amount) ? 0 : cell_add(&entry->cell, amount);
}

static inline PyObject *
entry_get(map_entry *entry)
{
    return cell_get(&entry->cell);
}

static inline PyObject *
entry_reset(map_entry *entry)
{
    return cell_reset(&entry->cell);
}

static inline int
map_increment(PyObject *object, PyObject *label)
{
    defer_if_shared(object, &MAP(object)->deferred);
    map_entry *entry = map_entry_of(MAP(object), label);
    return entry == NULL ? -1 : cell_increment(&entry->cell);
}

/* Add an exact int. */
static inline int
map_add(PyObject *object, PyObject *label, PyObject *amount)
{
    defer_if_shared(object, &MAP(object)->deferred);
    map_entry *entry = map_entry_of(MAP(object), label);
    return entry == NULL ? -1 : entry_add(entry, amount);
}

/* Set `entry` to the label's entry and return 1.  Returns 0 if there is none, or -1 if hashing or comparing fails. */
static inline int
map_find(PyObject *object, PyObject *label, map_entry **entry)
{
    defer_if_shared(object, &MAP(object)->deferred);
    Py_hash_t hash;
    map_table *table;
    map_entry **slot;
    int found = map_look_up(MAP(object), label, &hash, &table, &slot);
    if (found == 1) {
        *entry = LOAD(slot);
    }
    return found;
}

/* Return the label's count.  If there is no such label, return `missing`, or 0 if that is NULL. */
static inline PyObject *
map_get(PyObject *object, PyObject *label, PyObject *missing)
{
    map_entry *entry;
    int found = map_find(object, label, &entry);
    if (found == 1) {
        return entry_get(entry);
    }
    return found < 0 ? NULL : missing == NULL ? PyLong_FromLong(0) : Py_NewRef(missing);
}

static inline int
map_contains(PyObject *object, PyObject *label)
{
    map_entry *entry;
    return map_find(object, label, &entry);
}

/* The number of labels.  Another thread may be publishing a label that is in its slot and not yet in `used`.  With the
 * lock this waits until it is in both, so a thread that has found a label sees it among all labels too. */
static inline Py_ssize_t
labels_used(counter_map *map)
{
    spin_lock(&map->locked);
    Py_ssize_t used = map->used;
    spin_unlock(&map->locked);
    return used;
}

static inline Py_ssize_t
map_length(PyObject *object)
{
    return labels_used(MAP(object));
}

/* ---- All labels ---- */

/* A position among the labels that the map had when the cursor was made, in the order in which they were added. */
typedef struct {
    map_block *block;
    Py_ssize_t index;
    Py_ssize_t left;
} map_cursor;

static inline map_cursor
cursor_of(counter_map *map)
{
    Py_ssize_t used = labels_used(map);  /* before `first`, so that this many entries are there */
    return (map_cursor){LOAD(&map->first), 0, used};
}

static inline map_cursor
map_all(PyObject *object)
{
    defer_if_shared(object, &MAP(object)->deferred);
    return cursor_of(MAP(object));
}

/* The next entry, or NULL at the end. */
static inline map_entry *
map_next(map_cursor *cursor)
{
    if (cursor->left == 0) {
        return NULL;
    }
    if (cursor->index == cursor->block->size) {
        cursor->block = LOAD(&cursor->block->next);
        cursor->index = 0;
    }
    cursor->left--;
    return &cursor->block->entries[cursor->index++];
}

/* ---- The object ---- */

static int
traverse_map(PyObject *object, visitproc visit, void *arg)
{
    map_cursor cursor = cursor_of(MAP(object));
    for (map_entry *entry = map_next(&cursor); entry != NULL; entry = map_next(&cursor)) {
        Py_VISIT(entry->label);
    }
    if (is_type_reference_ours(object)) {
        Py_VISIT(Py_TYPE(object));
    }
    return 0;
}

/* Take everything out of a map that no other thread can reach. */
static counter_map
map_take(counter_map *map)
{
    counter_map taken = *map;
    *map = (counter_map){.deferred = taken.deferred};
    return taken;
}

static void
map_free(counter_map *map)
{
    map_cursor cursor = cursor_of(map);
    for (map_entry *entry = map_next(&cursor); entry != NULL; entry = map_next(&cursor)) {
        Py_DECREF(entry->label);
        entry_clear(entry);
    }
    for (map_table *table = map->table, *previous; table != NULL; table = previous) {
        previous = table->previous;
        PyMem_RawFree(table);
    }
    for (map_block *block = map->first, *next; block != NULL; block = next) {
        next = block->next;
        PyMem_RawFree(block);
    }
}

/* Dropping a label may run Python code, which finds the map empty. */
static int
clear_map(PyObject *object)
{
    counter_map taken = map_take(MAP(object));
    map_free(&taken);
    return 0;
}

/* Here such code cannot reach the map: its weak references are gone. */
static void
dealloc_map(PyObject *object)
{
    counter_map taken = map_take(MAP(object));
    dealloc_counter(object);
    map_free(&taken);
}

/* Whether an object's map is where MAP() looks for it, and has enough room there. */
static inline int
is_map_at(PyObject *object, void *place, size_t size)
{
    return place == MAP(object) && size >= sizeof(counter_map);
}

/* Let the garbage collector track maps, on builds with the GIL too: a label may be in a cycle with its map. */
static inline void
complete_map_type(PyObject *type)
{
    PyTypeObject *self = (PyTypeObject *)type;
    replace_dealloc_by(type, dealloc_map);
    self->tp_traverse = traverse_map;
    self->tp_clear = clear_map;
    self->tp_free = PyObject_GC_Del;
    self->tp_flags |= Py_TPFLAGS_HAVE_GC;
}

#endif
