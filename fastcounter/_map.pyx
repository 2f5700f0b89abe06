# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: auto_pickle=False, autotestdict=False, freethreading_compatible=True, subinterpreters_compatible=own_gil
"""CounterMap; import it from `fastcounter`."""

import os
from _collections_abc import Iterable, KeysView, Mapping, ValuesView  # of collections.abc, which imports far more
from _thread import RLock
from operator import itemgetter
from types import GenericAlias

from cpython.object cimport PyObject

from fastcounter._counters cimport arguments_of_new, attributes_of, complete_module, new_instance
from fastcounter.c.cell cimport cell_get, cells_prepare
from fastcounter.c.integers cimport as_int
from fastcounter.c.map cimport (
    FORKS_TAKE_LOCK,
    complete_map_type,
    free_taken,
    is_map_at,
    map_add,
    map_all,
    map_contains,
    map_get,
    map_keep,
    map_length,
    map_size,
    map_step,
    map_take,
    table_all,
    table_cursor,
    table_entry,
    table_next,
    taken_table,
)

from fastcounter._views import CountItems


cdef extern from "c/cython_workarounds.h":  # changes the code that Cython generates for a module
    pass


cdef extern from "Python.h":
    int Py_ReprEnter(object object) except -1
    void Py_ReprLeave(object object)


_fork_lock = RLock()  # for resets, and forks if FORKS_TAKE_LOCK; see world.h
_acquire, _release = _fork_lock.acquire, _fork_lock.release  # bound here: it takes memory, and to release must not fail


cdef int read_into(list labels, list counts, table_cursor cursor) except -1:
    # Appends the labels and counts from the cursor on.  It runs no Python code.  If dropping what it has appended stops
    # the thread for a reset, table_next() ends there.
    cdef table_entry *entry = table_next(&cursor)
    while entry is not NULL:
        label, count = <object>entry.label, cell_get(&entry.value)
        labels.append(label)
        counts.append(count)
        entry = table_next(&cursor)
    return 0


cdef dict as_dict(list labels, list counts):
    # Labels that have become equal since they were added are one label.
    cdef dict result = {}
    for label, count in zip(labels, counts):
        before = result.get(label)
        result[label] = count if before is None else before + count
    return result


cdef bint counts_equal(dict counts, other) except -1:
    # A missing label counts 0, as between two Counters.
    cdef dict others = dict(other)
    for label, count in counts.items():
        if others.get(label, 0) != count:
            return False
    for label, count in others.items():
        if counts.get(label, 0) != count:
            return False
    return True


cdef list largest_counts(dict counts, n):
    cdef list pairs = list(counts.items())
    pairs.sort(key=itemgetter(1), reverse=True)
    return pairs if n is None else pairs[:min(max(as_int(n, "n"), 0), len(pairs))]


cdef object iterate(labels, counter):
    # Any error of its __iter__ is raised, but for that of an object that is no iterable.
    if not isinstance(labels, Iterable) and not hasattr(type(labels), "__getitem__"):
        raise TypeError(
            f"a {type(counter).__name__} counts a mapping or an iterable of labels, not {type(labels).__name__}"
        )
    return iter(labels)


cdef taken_table *take(CounterMap counts) except NULL:
    if not FORKS_TAKE_LOCK:
        return map_take(counts)
    _acquire()
    try:  # not `with`: what Cython generates for it crashes if there is no memory for a traceback
        return map_take(counts)
    finally:
        _release()


cdef int add_all(CounterMap counts, added) except -1:
    # No method: a class in a user's module has the table of C calls that it was compiled with.
    if isinstance(added, Mapping):
        return counts.add_counts(dict(added))
    for label in iterate(added, counts):
        map_step(counts, label, 1)
    return 0


cdef class CounterMap:
    """CounterMap(initial=())
--

A count for each label, for any number of threads.  `counts[label]` is a label's count, an int, and 0 for a new label.

It counts as a `collections.Counter` does.  Labels are any hashable objects, and labels that are equal are one label.
Counts are ints of any size.  Each call is exact, with and without the GIL, and each addition is one atomic step.  For
reading, it is a mapping: `in`, `len()`, iteration, `get()`, `keys()`, `values()` and `items()` do what they do for a
dict.  Such a call reads one count after another.  Two maps or mappings are equal if their counts are, and a missing
label counts 0.  Assigning to `counts[label]` raises TypeError, because `counts[label] += 1` would be two steps: use
`increment()` or `add()`.

A label stays until `reset()`, which returns all counts and leaves an empty map.

`initial` is a mapping of labels to counts, or an iterable of labels, each of which is counted.  It raises what
`update()` raises.
"""

    def __init__(self, initial=()):
        add_all(self, initial)

    cdef int add_counts(self, dict counts) except -1:
        cdef dict amounts = {label: as_int(count, "count") for label, count in counts.items()}
        for label, amount in amounts.items():
            map_add(self, label, amount)
        return 0

    def increment(self, label, /):
        """Add 1 to the count of a label and return None.  A new label starts at 0.

        This is one atomic step.  On a free-threaded build threads that use one label do not wait for each other.  If
        the label is not hashable, TypeError is raised.  So is whatever its `__hash__` or `__eq__` raises.  Then nothing
        is counted.
        """
        map_step(self, label, 1)

    def decrement(self, label, /):
        """Subtract 1 from the count of a label and return None.  A new label starts at 0.

        This is one atomic step, which takes as long as `increment()` and raises what that raises.
        """
        map_step(self, label, -1)

    def add(self, label, amount, /):
        """Add an integer of any size and sign to the count of a label and return None.  A new label starts at 0.

        This is one atomic step, however large the amount.  If the amount is not an integer or the label not hashable,
        TypeError is raised.  So is whatever the label's `__hash__` or `__eq__` raises.  Nothing is counted then, and no
        label is added.
        """
        map_add(self, label, as_int(amount, "amount"))

    def update(self, counts, /):
        """Count all labels of an iterable, or add all counts of a mapping, and return None.

        Each label is one atomic step.  TypeError is raised if `counts` is neither, if a count of a mapping is not an
        integer, or if a label is not hashable.  So is whatever the iterable, or a label's `__hash__` or `__eq__`,
        raises.  What an iterable has yielded by then has been counted.  The counts of a mapping are checked before the
        first is added.
        """
        add_all(self, counts)

    def reset(self, /):
        """Return a dict of all counts that are not 0, and leave an empty map.

        This is one step for all labels.  Whatever any thread adds is in the result of exactly one reset, or still in
        the map.  On a free-threaded build all threads of the interpreter stop for that moment, which takes microseconds
        once each has come to a point at which it can stop, as for the garbage collector.  (On a free-threaded CPython
        that is newer than this package, it is one step for each label, and labels stay with a count of 0.)

        If the dict cannot be made, because memory runs out or a label's `__hash__` or `__eq__` raises, that is raised.
        The next reset then returns these counts too.  Until then reads do not show them.
        """
        cdef list labels = [], counts = []  # now, since nothing may fail between taking and keeping
        cdef taken_table *taken = take(self)
        cdef taken_table *each = taken
        try:
            while each is not NULL:
                read_into(labels, counts, table_all(&each.table))
                each = each.next
            result = {label: count for label, count in as_dict(labels, counts).items() if count}
        except BaseException:
            map_keep(self, taken)
            raise
        free_taken(taken)
        return result

    def most_common(self, n=None):
        """Return a list of pairs of a label and its count, the largest counts first.

        Labels with equal counts are in the order in which they were added.  With an integer `n`, the list has no more
        than `n` pairs.  It reads one count after another.
        """
        return largest_counts(self.counts(), n)

    def total(self, /):
        """Return the sum of all counts, an int.

        It reads one count after another.  So it may include some of the additions that threads make meanwhile.
        """
        cdef list labels = [], counts = []
        read_into(labels, counts, map_all(self))
        total = 0
        for count in counts:
            total += count
        return total

    def get(self, label, default=None, /):
        """Return the count of a label, an int.  If the map does not have the label, return `default`."""
        return map_get(self, label, <PyObject *>default)

    def keys(self, /):
        """Return a view of the labels.  Iterating over it goes over the labels that are there when that begins."""
        return KeysView(self)

    def values(self, /):
        """Return a view of the counts.  Iterating over it reads one count after another."""
        return ValuesView(self)

    def items(self, /):
        """Return a view of pairs of a label and its count.  Iterating over it reads one count after another."""
        return CountItems(self)

    def __getitem__(self, label):
        return map_get(self, label, NULL)

    def __setitem__(self, label, count):
        raise TypeError(f"the counts of a {type(self).__name__} cannot be assigned; use add(label, amount)")

    def __delitem__(self, label):
        raise TypeError(
            f"the labels of a {type(self).__name__} cannot be deleted; use reset() for all, or add(label, amount)"
        )

    def __contains__(self, label):
        return map_contains(self, label)

    def __len__(self):
        return map_length(self)

    def __iter__(self):
        return iter(self.labels())

    def __eq__(self, other):
        if not isinstance(other, Mapping):
            return NotImplemented
        return counts_equal(self.counts(), other)

    def __repr__(self):
        name = type(self).__name__
        if Py_ReprEnter(self):
            return f"{name}({{...}})"  # within the repr of one of its labels
        try:
            return f"{name}({self.counts() or ''})"
        finally:
            Py_ReprLeave(self)

    def __sizeof__(self):
        return type(self).__basicsize__ + map_size(self)

    def __reduce__(self):
        cdef tuple args
        cdef dict kwargs
        args, kwargs = arguments_of_new(self)
        return _restore_map, (type(self), args, kwargs, self.counts()), attributes_of(self)

    cdef list labels(self):
        cdef list labels = [], counts = []
        read_into(labels, counts, map_all(self))
        return labels

    cdef dict counts(self):
        cdef list labels = [], counts = []
        read_into(labels, counts, map_all(self))
        return as_dict(labels, counts)

    cdef int c_increment(self, object label) except -1:
        map_step(self, label, 1)
        return 0

    cdef int c_add(self, object label, object amount) except -1:
        map_add(self, label, as_int(amount, "amount"))
        return 0

    cdef object c_value(self, object label):
        return map_get(self, label, NULL)


# Old pickles name this function and hold its arguments.  So its name and parameters may never change.
def _restore_map(cls, args, kwargs, counts):
    """Make the map that was copied or pickled.  `args` and `kwargs` are the arguments of its class's __new__."""
    restored = new_instance(CounterMap, cls, args, kwargs)
    (<CounterMap>restored).add_counts(counts)
    return restored


cdef int check_layout(CounterMap counts) except -1:
    if not is_map_at(counts, &counts.map, sizeof(counts.map)):
        raise SystemError("a CounterMap is not laid out as map.h expects it")
    return 0


if FORKS_TAKE_LOCK and hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_acquire, after_in_parent=_release, after_in_child=_release)
cells_prepare(os.cpu_count() or 1)
complete_map_type(CounterMap)
check_layout(CounterMap())
CounterMap.__class_getitem__ = classmethod(GenericAlias)
CounterMap.__reversed__ = None  # as for Mapping; otherwise reversed() would take the labels to be 0, 1, 2, ...
Mapping.register(CounterMap)
complete_module(__name__, CounterMap, (CounterMap,), (_restore_map,), True)
