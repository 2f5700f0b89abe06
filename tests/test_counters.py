"""Counters in one thread: each call, the original's and ours, and each kind of bad input."""

import decimal
import enum

import pytest

from fastcounter import FastWriteCounter
from helpers import AROUND_LIMITS, read_count

pytestmark = pytest.mark.reentrant


class Size(enum.IntEnum):
    LARGE = 2**40


class Index:
    """An integer only because it has an __index__ method."""

    def __init__(self, result):
        self.result = result

    def __index__(self):
        return self.result


NOT_INTEGERS = [1.5, "1", None, decimal.Decimal(1), [1], object(), b"1", 1j]


def type_name(value):
    return type(value).__name__


# ---- Calls that the originals have too ----


def test_starts_at_zero(any_counter_class):
    assert read_count(any_counter_class()) == 0


def test_increment_counts(any_counter_class):
    counter = any_counter_class()
    for expected in range(1, 3000):
        assert counter.increment() is None
        assert read_count(counter) == expected


def test_reading_does_not_count(any_counter_class):
    counter = any_counter_class()
    counter.increment()
    assert [read_count(counter) for _ in range(5)] == [1] * 5


def test_counters_are_independent(any_counter_class):
    first, second = any_counter_class(), any_counter_class()
    first.increment()
    assert (read_count(first), read_count(second)) == (1, 0)


# ---- Counts and amounts ----


@pytest.mark.parametrize("initial", AROUND_LIMITS)
def test_initial(counter_class, initial):
    assert read_count(counter_class(initial)) == initial
    assert read_count(counter_class(initial=initial)) == initial


@pytest.mark.parametrize("initial", AROUND_LIMITS)
def test_increment_across_limits(counter_class, initial):
    counter = counter_class(initial)
    for step in range(1, 6):
        counter.increment()
        assert read_count(counter) == initial + step


@pytest.mark.parametrize("initial", AROUND_LIMITS)
def test_add_across_limits(counter_class, initial):
    for amount in AROUND_LIMITS:
        counter = counter_class(initial)
        assert counter.add(amount) is None
        assert read_count(counter) == initial + amount
        # Add again: now only the counter holds a reference to its count.
        counter.add(amount)
        assert read_count(counter) == initial + 2 * amount
        counter += amount
        assert read_count(counter) == initial + 3 * amount
        counter -= amount
        counter -= amount
        assert read_count(counter) == initial + amount


def test_counts_are_as_python_makes_them(counter_class):
    """A count that is a small int is the object that CPython shares, whichever call made it."""
    for initial in (-10, 0, 250, 70_000, 2**30 - 1, 2**60):
        for amount in (1, -1, 5, -70_000 + 3, -(2**30) + 4, -(2**60) + 2):
            counter = counter_class(initial)
            counter.add(1)
            counter.add(amount - 1)
            expected = int(str(initial + amount))
            assert read_count(counter) == expected
            assert (read_count(counter) is expected) == (-5 <= expected <= 256)


def test_in_place_operators_keep_the_counter(counter_class):
    counter = same = counter_class(5)
    counter += 10
    counter -= 3
    assert counter is same
    assert read_count(counter) == 12


@pytest.mark.parametrize("integer", [True, False, Size.LARGE, Index(7), Index(-(2**70))])
def test_integers_of_other_types(counter_class, integer):
    amount = integer.__index__()
    counter = counter_class(integer)
    assert (type(read_count(counter)), read_count(counter)) == (int, amount)
    counter.add(integer)
    counter += integer
    counter -= integer
    assert (type(read_count(counter)), read_count(counter)) == (int, 2 * amount)


def test_numpy_integers(counter_class):
    numpy = pytest.importorskip("numpy")
    counter = counter_class(numpy.int64(5))
    counter.add(numpy.uint8(3))
    assert (type(read_count(counter)), read_count(counter)) == (int, 8)


def test_a_value_once_read_never_changes(counter_class):
    for initial in AROUND_LIMITS:
        counter = counter_class(initial)
        values = []
        for step in range(5):
            values.append((read_count(counter), initial + step))
            counter.increment()
        assert all(value == expected for value, expected in values)


def test_the_initial_int_never_changes(counter_class):
    initial = int("123456789")
    counter = counter_class(initial)
    counter.increment()
    counter.add(5)
    assert initial == int("123456789")


def test_reset(counter_class):
    for count in AROUND_LIMITS:
        counter = counter_class(count - 1)
        counter.increment()
        assert counter.reset() == count
        assert read_count(counter) == 0
        assert counter.reset() == 0


def test_init_sets_the_count_again(counter_class):
    counter = counter_class(5)
    counter.__init__(2**70)
    assert read_count(counter) == 2**70


def test_int_and_repr(counter_class):
    for count in AROUND_LIMITS:
        assert int(counter_class(count)) == count
        assert repr(counter_class(count)) == f"{counter_class.__name__}({count})"


def test_identity(counter_class):
    first, second = counter_class(5), counter_class(5)
    assert first == first
    assert first != second
    assert len({first, second, first}) == 2
    assert bool(counter_class())


# ---- value as an attribute, and calls that return the new count ----


def test_assign_value(attribute_counter_class):
    counter = attribute_counter_class()
    for count in AROUND_LIMITS:
        counter.value = count
        assert counter.value == count
        counter.increment()
        assert counter.value == count + 1


def test_value_in_place_operators(attribute_counter_class):
    counter = attribute_counter_class(40)
    counter.value += 2
    assert counter.value == 42


@pytest.mark.parametrize("integer", [True, Size.LARGE, Index(7)])
def test_assigned_value_is_an_exact_int(attribute_counter_class, integer):
    counter = attribute_counter_class()
    counter.value = integer
    assert (type(counter.value), counter.value) == (int, integer.__index__())


def test_increment_and_get(attribute_counter_class):
    for initial in AROUND_LIMITS:
        counter = attribute_counter_class(initial)
        results = [counter.increment_and_get() for _ in range(5)]
        assert results == [initial + step for step in range(1, 6)]
        assert counter.value == initial + 5


def test_add_and_get(attribute_counter_class):
    for initial in AROUND_LIMITS:
        for amount in AROUND_LIMITS:
            counter = attribute_counter_class(initial)
            assert counter.add_and_get(amount) == initial + amount
            assert counter.add_and_get(-amount) == initial
            assert counter.value == initial


def test_fast_write_counter_has_neither(counter_class):
    for name in ("increment_and_get", "add_and_get"):
        assert hasattr(counter_class, name) == (counter_class is not FastWriteCounter)


# ---- Bad input leaves the count unchanged ----


def calls_with_amount(counter):
    yield "amount", counter.add
    yield "amount", counter.__iadd__
    yield "amount", counter.__isub__
    yield "initial", counter.__init__
    if hasattr(counter, "add_and_get"):
        yield "amount", counter.add_and_get
        yield "value", lambda value: setattr(counter, "value", value)


@pytest.mark.parametrize("bad", NOT_INTEGERS, ids=type_name)
def test_not_an_integer(counter_class, bad):
    counter = counter_class(2**40)
    for name, call in calls_with_amount(counter):
        with pytest.raises(TypeError, match=rf"^{name} must be an integer, not {type_name(bad)}$"):
            call(bad)
    with pytest.raises(TypeError, match=rf"^initial must be an integer, not {type_name(bad)}$"):
        counter_class(bad)
    assert read_count(counter) == 2**40


def test_index_that_raises(counter_class):
    class Broken:
        def __index__(self):
            raise ZeroDivisionError("from __index__")

    counter = counter_class(2**40)
    for _name, call in calls_with_amount(counter):
        with pytest.raises(ZeroDivisionError, match="from __index__"):
            call(Broken())
    assert read_count(counter) == 2**40


def test_index_that_returns_no_int(counter_class):
    counter = counter_class(2**40)
    for _name, call in calls_with_amount(counter):
        with pytest.raises(TypeError, match=r"__index__.* (returned non-int|must return an int)"):
            call(Index("5"))
    assert read_count(counter) == 2**40


def test_index_that_uses_the_counter(counter_class):
    class Busy:
        def __index__(self):
            counter.increment()
            return 100

    counter = counter_class(2**40)
    counter.add(Busy())
    assert read_count(counter) == 2**40 + 101


def test_wrong_number_of_arguments(counter_class):
    counter = counter_class(2**40)
    for call in (
        lambda: counter.increment(1),
        lambda: counter.add(),
        lambda: counter.add(1, 2),
        lambda: counter.add(amount=1),
        lambda: counter.reset(0),
        lambda: counter_class(1, 2),
        lambda: counter_class(start=1),
    ):
        with pytest.raises(TypeError, match="argument"):
            call()
    assert read_count(counter) == 2**40


def test_value_cannot_be_deleted(counter_class):
    counter = counter_class(5)
    with pytest.raises(AttributeError, match=rf"{counter_class.__name__}\.value .*cannot be deleted"):
        del counter.value
    assert read_count(counter) == 5


def test_fast_write_value_cannot_be_assigned():
    class Sub(FastWriteCounter):
        pass

    for kind in (FastWriteCounter, Sub):
        counter = kind(5)
        with pytest.raises(AttributeError, match=rf"{kind.__name__}\.value is a method and cannot be assigned"):
            counter.value = 6
        assert counter.value() == 5


def test_no_other_attributes(counter_class):
    with pytest.raises(AttributeError, match="other"):
        counter_class().other = 1
