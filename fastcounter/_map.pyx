# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic
# cython: auto_pickle=False, autotestdict=False, freethreading_compatible=True, subinterpreters_compatible=own_gil
"""CounterMap; import it from `fastcounter`."""

import os
from _collections_abc import ItemsView, KeysView, Mapping, ValuesView  # of collections.abc, which imports far more
from types import GenericAlias

from cpython.object cimport PyObject

from fastcounter._counters cimport arguments_of_new, attributes_of, complete_module, new_instance
from fastcounter.c.cell cimport cell_add, cell_get, cell_reset, cells_prepare
from fastcounter.c.integers cimport as_int
from fastcounter.c.map cimport (
    complete_map_type,
    is_map_at,
    map_add,
    map_all,
    map_contains,
    map_get,
    map_increment,
    map_length,
    table_cursor,
    table_entry,
    table_next,
)


cdef extern from "c/cython_workarounds.h":  # changes the code that Cython generates for a module
    pass


cdef class CounterMap:
    """CounterMap(initial=())
--

A count for each label, for any number of threads.  `counts[label]` is a label's count, an int, and 0 for a new label.

Labels are any hashable objects, and labels that are equal are one label, as in a dict.  Counts are ints of any size.
Each call is exact, with and without the GIL.  An addition is one atomic step.  A call for all labels takes one count
after another.  To read, it is a mapping: `in`, `len()`, iteration, `get()`, `keys()`, `values()`, `items()` and
`==` do what they do for a dict.  Assigning to `counts[label]` raises TypeError, because `counts[label] += 1` would be
two steps: use `increment()` or `add()`.

A label stays until the map goes, also after a reset.  If labels never end, use a new map from time to time.

`initial` is what a dict can be made of, a mapping or an iterable of pairs.  Its values are the counts.  A count that is
not an integer raises TypeError.  What a dict cannot be made of raises what `dict()` raises, TypeError or ValueError.
"""

    def __init__(self, initial=()):
        self.add_counts(dict(initial))

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
        map_increment(self, label)

    def add(self, label, amount, /):
        """Add an integer of any size and sign to the count of a label and return None.  A new label starts at 0.

        This is one atomic step, however large the amount.  If the amount is not an integer or the label not hashable,
        TypeError is raised.  So is whatever the label's `__hash__` or `__eq__` raises.  Nothing is counted then, and no
        label is added.
        """
        map_add(self, label, as_int(amount, "amount"))

    def reset(self, /):
        """Set all counts to 0 and return a dict of those that were not 0.

        Each count is reset in one atomic step.  Whatever any thread adds is in the result of exactly one reset, or
        still in the map.  Labels stay in the map.
        """
        cdef table_cursor cursor = map_all(self), again = cursor
        cdef table_entry *entry = table_next(&cursor)
        cdef dict counts = {}
        cdef list taken = []
        try:
            while entry is not NULL:
                taken.append(0)  # first make room for the count: from here on it must not get lost
                taken[-1] = cell_reset(&entry.value)
                if taken[-1]:
                    counts[<object>entry.label] = taken[-1]
                entry = table_next(&cursor)
        except BaseException:  # no memory, or a label's __hash__ or __eq__ failed: put back what was taken
            for count in taken:
                entry = table_next(&again)
                if count:  # to add it to a count of 0 takes no memory
                    cell_add(&entry.value, count)
            raise
        return counts

    def total(self, /):
        """Return the sum of all counts, an int.

        It reads one count after another.  So it may include some of the additions that threads make meanwhile.
        """
        cdef table_cursor cursor = map_all(self)
        cdef table_entry *entry = table_next(&cursor)
        total = 0
        while entry is not NULL:
            total += cell_get(&entry.value)
            entry = table_next(&cursor)
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
        return ItemsView(self)

    def __getitem__(self, label):
        return map_get(self, label, NULL)

    def __setitem__(self, label, count):
        raise TypeError(f"the counts of a {type(self).__name__} cannot be assigned; use add(label, amount)")

    def __delitem__(self, label):
        raise TypeError(
            f"the labels of a {type(self).__name__} cannot be deleted; use reset(), or add(label, amount) for one count"
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
        return self.counts() == dict(other.items())

    def __repr__(self):
        return f"{type(self).__name__}({self.counts() or ''})"

    def __reduce__(self):
        args, kwargs = arguments_of_new(self)
        return _restore_map, (type(self), args, kwargs, self.counts()), attributes_of(self)

    cdef list labels(self):
        cdef table_cursor cursor = map_all(self)
        cdef table_entry *entry = table_next(&cursor)
        labels = []
        while entry is not NULL:
            labels.append(<object>entry.label)
            entry = table_next(&cursor)
        return labels

    cdef dict counts(self):
        cdef table_cursor cursor = map_all(self)
        cdef table_entry *entry = table_next(&cursor)
        counts = {}
        while entry is not NULL:
            counts[<object>entry.label] = cell_get(&entry.value)
            entry = table_next(&cursor)
        return counts

    cdef int c_increment(self, object label) except -1:
        return map_increment(self, label)

    cdef int c_add(self, object label, object amount) except -1:
        return map_add(self, label, as_int(amount, "amount"))

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


cells_prepare(os.cpu_count() or 1)
complete_map_type(CounterMap)
check_layout(CounterMap())
CounterMap.__class_getitem__ = classmethod(GenericAlias)
CounterMap.__reversed__ = None  # as for Mapping; otherwise reversed() would take the labels to be 0, 1, 2, ...
Mapping.register(CounterMap)
complete_module(__name__, CounterMap, (CounterMap,), (_restore_map,), True)
