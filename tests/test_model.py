"""Random sequences of calls against a plain int."""

import copy
import pickle

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from helpers import AROUND_LIMITS, CHANGES, COMPILED, read_count

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

    @rule(name=st.sampled_from(list(CHANGES)), amount=amounts)
    def change(self, name, amount):
        if not hasattr(self.counter, name):
            return
        takes, effect = CHANGES[name]
        before, self.expected = self.expected, effect(self.expected, amount)
        result = getattr(self.counter, name)(*[amount] * takes)
        if name in ("__iadd__", "__isub__"):
            assert result is self.counter
        elif name in ("increment", "decrement", "add", "__init__"):
            assert result is None
        else:
            self.keep(result, before if name == "reset" else self.expected)

    @rule()
    def read(self):
        self.keep(read_count(self.counter), self.expected)

    @rule()
    def convert(self):
        self.keep(int(self.counter), self.expected)

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
