/* A CounterMap: a table that has a cell for each label. */
#ifndef FASTCOUNTER_MAP_H
#define FASTCOUNTER_MAP_H

#include "cell.h"
#include "deferred.h"
#include "types.h"
#include "world.h"

typedef counter_cell table_value;

#ifdef Py_GIL_DISABLED
#  define ENTRY_ALIGNMENT CACHE_LINES  /* so threads that count with different labels do not meet */
#else
#  define ENTRY_ALIGNMENT sizeof(void *)
#endif

static inline void
table_value_init(table_value *cell)
{
    cell_init(cell, CELL_STRIPED);
}

static inline void
table_value_clear(table_value *cell)
{
    cell_clear(cell);
}

#include "table.h"

/* What a reset has taken out of a map.  Only the thread that resets knows it, until its result is complete.  If that
 * fails, it stays with the map, and the next reset returns it too. */
typedef struct taken_table {
    struct taken_table *next;
    label_table table;
} taken_table;

/* A map of which all fields are 0 is empty.  In _map.pxd it is `void *map[6]`, which is enough where a pointer has four
 * bytes too. */
typedef struct {
    label_table table;
    uint8_t deferred;    /* whether reference counting is deferred; see deferred.h */
    taken_table *taken;  /* what resets have taken and not returned; changes with the table's lock held */
} counter_map;

#define MAP(object) ((counter_map *)((char *)(object) + FIRST_FIELD))

/* The table of a map, for a call that threads may make often. */
static inline label_table *
table_of(PyObject *object)
{
    defer_if_shared(object, &MAP(object)->deferred);
    return &MAP(object)->table;
}

/* ---- Counting ---- */

/* Add 1 or -1. */
static inline Py_ALWAYS_INLINE int
map_step(PyObject *object, PyObject *label, int step)
{
    label_table *table = table_of(object);
    label_place place;
    int status = place_of(label, &place) ? 0 : -1;
    while (status == 0) {  /* once, unless there is a reset at that moment */
        table_entry *entry = table_entry_at(table, &place);
        status = entry == NULL ? -1 : cell_step(&entry->value, step, &table->resets);
    }
    return status;
}

/* Add an exact int. */
static inline Py_ALWAYS_INLINE int
map_add(PyObject *object, PyObject *label, PyObject *amount)
{
    label_table *table = table_of(object);
    label_place place;
    int status = place_of(label, &place) ? 0 : -1;
    while (status == 0) {
        table_entry *entry = table_entry_at(table, &place);
        status = entry == NULL ? -1 : cell_add(&entry->value, amount, &table->resets);
    }
    return status;
}

/* Return the label's count.  If there is no such label, return `missing`, or 0 if that is NULL. */
static inline PyObject *
map_get(PyObject *object, PyObject *label, PyObject *missing)
{
    table_entry *entry;
    int found = table_find(table_of(object), label, &entry);
    if (found == 1) {
        return cell_get(&entry->value);
    }
    if (found < 0) {
        return NULL;
    }
    return missing == NULL ? PyLong_FromLong(0) : Py_NewRef(missing);
}

static inline int
map_contains(PyObject *object, PyObject *label)
{
    table_entry *entry;
    return table_find(table_of(object), label, &entry);
}

static inline Py_ssize_t
map_length(PyObject *object)
{
    return table_used(&MAP(object)->table);
}

/* The bytes that a map has beside those of the object. */
static inline size_t
map_size(PyObject *object)
{
    return table_size(&MAP(object)->table);
}

static inline table_cursor
map_all(PyObject *object)
{
    return table_all(table_of(object));
}

/* ---- Resetting ---- */

/* Keep what a reset has taken, or what several have, in the order of the resets. */
static void
map_keep(PyObject *object, taken_table *taken)
{
    counter_map *map = MAP(object);
    taken_table **end = &taken;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    spin_lock(&map->table.locked);
    *end = map->taken;
    map->taken = taken;
    spin_unlock(&map->table.locked);
}

static void
free_taken(taken_table *taken)
{
    for (taken_table *next; taken != NULL; taken = next) {
        next = taken->next;
        table_free(&taken->table);
        PyMem_RawFree(taken);
    }
}

typedef struct {
    counter_map *map;
    taken_table *taken;
} reset_call;

static void
take_all(void *argument)
{
    reset_call *self = argument;
    self->taken->table = table_take(&self->map->table);
    self->taken->next = self->map->taken;
    self->map->taken = NULL;
}

/* Where threads cannot be stopped, take one count after another, and leave the labels.  Returns -1 if memory runs out;
 * what has been taken until then is in `taken`. */
static int
take_counts(counter_map *map, taken_table *taken)
{
    table_cursor cursor = table_all(&map->table);
    Py_ssize_t size = cursor.left;
    entry_block *block = PyMem_RawCalloc(1, sizeof(entry_block) + ENTRY_ALIGNMENT + size * sizeof(table_entry));
    slot_array *slots = PyMem_RawCalloc(1, sizeof(slot_array));
    if (block == NULL || slots == NULL) {
        PyMem_RawFree(block);
        PyMem_RawFree(slots);
        PyErr_NoMemory();
        return -1;
    }
    block->next = taken->table.last = block;
    block->size = size;
    block->entries = align(block + 1, ENTRY_ALIGNMENT);
    taken->table.slots = slots;  /* for the number of entries; nobody looks a label up */
    for (table_entry *entry = table_next(&cursor); entry != NULL; entry = table_next(&cursor)) {
        PyObject *count = cell_reset(&entry->value);
        if (count == NULL) {
            return -1;
        }
        table_entry *copy = &block->entries[slots->used++];
        copy->label = Py_NewRef(entry->label);
        table_value_init(&copy->value);
        int status = cell_add(&copy->value, count, NULL);  /* to a count of 0, which takes no memory */
        Py_DECREF(count);
        if (status < 0) {
            return -1;
        }
    }
    return 0;
}

/* Take all counts out of a map, and what earlier resets have taken and could not return.  NULL if memory runs out. */
static taken_table *
map_take(PyObject *object)
{
    counter_map *map = MAP(object);
    reset_call call = {map, PyMem_RawCalloc(1, sizeof(taken_table))};
    if (call.taken == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (while_no_other_thread_runs(take_all, &call)) {
        return call.taken;
    }
    if (PyErr_Occurred() || take_counts(map, call.taken) < 0) {
        map_keep(object, call.taken);
        return NULL;
    }
    spin_lock(&map->table.locked);
    call.taken->next = map->taken;
    map->taken = NULL;
    spin_unlock(&map->table.locked);
    return call.taken;
}

/* ---- The object ---- */

static int
traverse_table(label_table *table, visitproc visit, void *arg)
{
    table_cursor cursor = table_all(table);
    for (table_entry *entry = table_next(&cursor); entry != NULL; entry = table_next(&cursor)) {
        Py_VISIT(entry->label);
    }
    return 0;
}

static int
traverse_map(PyObject *object, visitproc visit, void *arg)
{
    int status = traverse_table(&MAP(object)->table, visit, arg);
    for (taken_table *taken = MAP(object)->taken; taken != NULL && status == 0; taken = taken->next) {
        status = traverse_table(&taken->table, visit, arg);
    }
    return status != 0 ? status : visit_type(object, visit, arg);
}

static void
free_map(counter_map map)
{
    table_free(&map.table);
    free_taken(map.taken);
}

/* Take everything out of a map that no other thread can reach. */
static counter_map
empty_map(PyObject *object)
{
    counter_map *map = MAP(object), taken = {table_take(&map->table), 0, map->taken};
    map->taken = NULL;
    return taken;
}

static int
clear_map(PyObject *object)
{
    free_map(empty_map(object));
    return 0;
}

/* The code that dropping a label may run cannot reach the map: its weak references are gone. */
static void
dealloc_map(PyObject *object)
{
    counter_map taken = empty_map(object);
    dealloc_counter(object);
    free_map(taken);
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
    replace_dealloc(type, dealloc_map);
    make_collectable(type, traverse_map, clear_map);
}

#endif
