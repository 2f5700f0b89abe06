"""Random sequences of calls against a plain int."""

import copy
import pickle

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from helpers import AROUND_LIMITS, COMPILED, read_count

amounts = st.sampled_from(AROUND_LIMITS) | st.integers(-(2**91), 2**91) | st.integers(-3, 3)


class CounterMachine(RuleBasedStateMachine):
    """A counter, the count that it should have, and every value read from it so far."""

    counter_class = None

    def __init__(self):
        super().__init__()
        self.counter = self.counter_class()
        self.expected = 0
        self.values = []

    def has_attribute(self):
        return hasattr(self.counter_class, "increment_and_get")

    def keep(self, value, expected):
        assert type(value) is int
        assert value == expected
        # A new int: the counter might hold a reference to `expected` itself.
        self.values.append((value, int(str(expected))))

    @rule(initial=amounts)
    def make(self, initial):
        self.counter = self.counter_class(initial)
        self.expected = initial

    @rule(times=st.integers(1, 5))
    def increment(self, times):
        for _ in range(times):
            self.counter.increment()
        self.expected += times

    @rule(amount=amounts)
    def add(self, amount):
        self.counter.add(amount)
        self.expected += amount

    @rule(amount=amounts)
    def add_in_place(self, amount):
        self.counter += amount
        self.expected += amount

    @rule(amount=amounts)
    def subtract_in_place(self, amount):
        self.counter -= amount
        self.expected -= amount

    @rule()
    def read(self):
        self.keep(read_count(self.counter), self.expected)

    @rule()
    def convert(self):
        self.keep(int(self.counter), self.expected)

    @rule()
    def reset(self):
        self.keep(self.counter.reset(), self.expected)
        self.expected = 0

    @precondition(has_attribute)
    @rule()
    def increment_and_get(self):
        self.expected += 1
        self.keep(self.counter.increment_and_get(), self.expected)

    @precondition(has_attribute)
    @rule(amount=amounts)
    def add_and_get(self, amount):
        self.expected += amount
        self.keep(self.counter.add_and_get(amount), self.expected)

    @precondition(has_attribute)
    @rule(value=amounts)
    def assign(self, value):
        self.counter.value = value
        self.expected = value

    @rule(bad=st.sampled_from([1.0, "1", None]))
    def add_bad(self, bad):
        with pytest.raises(TypeError):
            self.counter.add(bad)

    @rule(how=st.sampled_from([copy.copy, copy.deepcopy, lambda counter: pickle.loads(pickle.dumps(counter))]))
    def duplicate(self, how):
        before, self.counter = self.counter, how(self.counter)
        before.add(1000)

    @invariant()
    def count_is_right(self):
        assert repr(self.counter) == f"{self.counter_class.__name__}({self.expected})"

    @invariant()
    def no_value_has_changed(self):
        for value, expected in self.values:
            assert value == expected


for each in COMPILED:
    machine = type(each.__name__, (CounterMachine,), {"counter_class": each})
    globals()[f"Test{each.__name__}"] = machine.TestCase
