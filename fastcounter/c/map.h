/* A CounterMap: a table that has a cell for each label. */
#ifndef FASTCOUNTER_MAP_H
#define FASTCOUNTER_MAP_H

#include "cell.h"
#include "deferred.h"
#include "types.h"

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

/* A map of which all fields are 0 is empty.  In _map.pxd it is `void *map[6]`, which is enough where a pointer has four
 * bytes too. */
typedef struct {
    label_table table;
    uint8_t deferred;  /* whether reference counting is deferred; see deferred.h */
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

static inline int
map_increment(PyObject *object, PyObject *label)
{
    table_entry *entry = table_entry_of(table_of(object), label);
    return entry == NULL ? -1 : cell_increment(&entry->value);
}

/* Add an exact int. */
static inline int
map_add(PyObject *object, PyObject *label, PyObject *amount)
{
    table_entry *entry = table_entry_of(table_of(object), label);
    return entry == NULL ? -1 : cell_add(&entry->value, amount);
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

static inline table_cursor
map_all(PyObject *object)
{
    return table_all(table_of(object));
}

/* ---- The object ---- */

static int
traverse_map(PyObject *object, visitproc visit, void *arg)
{
    table_cursor cursor = table_all(&MAP(object)->table);
    for (table_entry *entry = table_next(&cursor); entry != NULL; entry = table_next(&cursor)) {
        Py_VISIT(entry->label);
    }
    return visit_type(object, visit, arg);
}

/* Dropping a label may run Python code, which finds the map empty. */
static int
clear_map(PyObject *object)
{
    label_table taken = table_take(&MAP(object)->table);
    table_free(&taken);
    return 0;
}

/* Here such code cannot reach the map: its weak references are gone. */
static void
dealloc_map(PyObject *object)
{
    label_table taken = table_take(&MAP(object)->table);
    dealloc_counter(object);
    table_free(&taken);
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
