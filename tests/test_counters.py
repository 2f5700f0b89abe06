"""What one thread sees of a counter: every call, the original's and ours, and every bad input."""

import decimal
import enum
import sys

import pytest
from conftest import AROUND_LIMITS


class Size(enum.IntEnum):
    LARGE = 2**40


class Index:
    """An integer by its __index__ method alone."""

    def __init__(self, result):
        self.result = result

    def __index__(self):
        return self.result


NOT_INTEGERS = [1.5, "1", None, decimal.Decimal(1), [1], object(), b"1", 1j]


def type_name(value):
    return type(value).__name__


# ---- What the originals do too ----


def test_starts_at_zero(any_cls, read):
    assert read(any_cls()) == 0


def test_increment_counts(any_cls, read):
    counter = any_cls()
    for expected in range(1, 3000):
        assert counter.increment() is None
        assert read(counter) == expected


def test_reading_does_not_count(any_cls, read):
    counter = any_cls()
    counter.increment()
    assert [read(counter) for _ in range(5)] == [1] * 5


def test_counters_are_independent(any_cls, read):
    first, second = any_cls(), any_cls()
    first.increment()
    assert (read(first), read(second)) == (1, 0)


# ---- Counts and amounts ----


@pytest.mark.parametrize("initial", AROUND_LIMITS)
def test_initial(cls, read, initial):
    assert read(cls(initial)) == initial
    assert read(cls(initial=initial)) == initial


@pytest.mark.parametrize("initial", AROUND_LIMITS)
def test_increment_across_limits(cls, read, initial):
    counter = cls(initial)
    for step in range(1, 6):
        counter.increment()
        assert read(counter) == initial + step


@pytest.mark.parametrize("initial", AROUND_LIMITS)
def test_add_across_limits(cls, read, initial):
    for amount in AROUND_LIMITS:
        counter = cls(initial)
        assert counter.add(amount) is None
        assert read(counter) == initial + amount
        # The same again, now that nobody else holds the count that was just made.
        counter.add(amount)
        assert read(counter) == initial + 2 * amount
        counter += amount
        assert read(counter) == initial + 3 * amount
        counter -= amount
        counter -= amount
        assert read(counter) == initial + amount


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="about CPython's small ints")
def test_counts_are_as_python_makes_them(cls, read):
    """A count in the range of small ints is the shared one, however the counter came to it."""
    for initial in (-10, 0, 250, 70_000, 2**30 - 1, 2**60):
        for amount in (1, -1, 5, -70_000 + 3, -(2**30) + 4, -(2**60) + 2):
            counter = cls(initial)
            counter.add(1)
            counter.add(amount - 1)
            expected = int(str(initial + amount))
            assert read(counter) == expected
            assert (read(counter) is expected) == (-5 <= expected <= 256)


def test_in_place_operators_keep_the_counter(cls, read):
    counter = same = cls(5)
    counter += 10
    counter -= 3
    assert counter is same
    assert read(counter) == 12


@pytest.mark.parametrize("integer", [True, False, Size.LARGE, Index(7), Index(-(2**70))])
def test_integers_of_other_types(cls, read, integer):
    amount = integer.__index__()
    counter = cls(integer)
    assert (type(read(counter)), read(counter)) == (int, amount)
    counter.add(integer)
    counter += integer
    counter -= integer
    assert (type(read(counter)), read(counter)) == (int, 2 * amount)


def test_numpy_integers(cls, read):
    numpy = pytest.importorskip("numpy")
    counter = cls(numpy.int64(5))
    counter.add(numpy.uint8(3))
    assert (type(read(counter)), read(counter)) == (int, 8)


def test_a_value_once_read_never_changes(cls, read):
    for initial in AROUND_LIMITS:
        counter = cls(initial)
        values = []
        for step in range(5):
            values.append((read(counter), initial + step))
            counter.increment()
        assert all(value == expected for value, expected in values)


def test_the_initial_int_never_changes(cls):
    initial = int("123456789")
    counter = cls(initial)
    counter.increment()
    counter.add(5)
    assert initial == int("123456789")


def test_reset(cls, read):
    for count in AROUND_LIMITS:
        counter = cls(count - 1)
        counter.increment()
        assert counter.reset() == count
        assert read(counter) == 0
        assert counter.reset() == 0


def test_init_sets_the_count_again(cls, read):
    counter = cls(5)
    counter.__init__(2**70)
    assert read(counter) == 2**70


def test_int_and_repr(cls):
    for count in AROUND_LIMITS:
        assert int(cls(count)) == count
        assert repr(cls(count)) == f"{cls.__name__}({count})"


def test_identity(cls):
    first, second = cls(5), cls(5)
    assert first == first
    assert first != second
    assert len({first, second, first}) == 2
    assert bool(cls())


# ---- value as an attribute, and the new count in one step ----


def test_assign_value(attribute_cls):
    counter = attribute_cls()
    for count in AROUND_LIMITS:
        counter.value = count
        assert counter.value == count
        counter.increment()
        assert counter.value == count + 1


def test_value_in_place_operators(attribute_cls):
    counter = attribute_cls(40)
    counter.value += 2
    assert counter.value == 42


@pytest.mark.parametrize("integer", [True, Size.LARGE, Index(7)])
def test_assigned_value_is_an_exact_int(attribute_cls, integer):
    counter = attribute_cls()
    counter.value = integer
    assert (type(counter.value), counter.value) == (int, integer.__index__())


def test_increment_and_get(attribute_cls):
    for initial in AROUND_LIMITS:
        counter = attribute_cls(initial)
        results = [counter.increment_and_get() for _ in range(5)]
        assert results == [initial + step for step in range(1, 6)]
        assert counter.value == initial + 5


def test_add_and_get(attribute_cls):
    for initial in AROUND_LIMITS:
        for amount in AROUND_LIMITS:
            counter = attribute_cls(initial)
            assert counter.add_and_get(amount) == initial + amount
            assert counter.add_and_get(-amount) == initial
            assert counter.value == initial


def test_fast_write_counter_has_neither(cls):
    assert hasattr(cls, "increment_and_get") == hasattr(cls, "add_and_get") == (cls.__name__ != "FastWriteCounter")


# ---- Bad input leaves the count as it was ----


def calls_with_amount(counter):
    yield "amount", counter.add
    yield "amount", counter.__iadd__
    yield "amount", counter.__isub__
    yield "initial", counter.__init__
    if hasattr(counter, "add_and_get"):
        yield "amount", counter.add_and_get
        yield "value", lambda value: setattr(counter, "value", value)


@pytest.mark.parametrize("bad", NOT_INTEGERS, ids=type_name)
def test_not_an_integer(cls, read, bad):
    counter = cls(2**40)
    for name, call in calls_with_amount(counter):
        with pytest.raises(TypeError, match=rf"^{name} must be an integer, not {type_name(bad)}$"):
            call(bad)
    with pytest.raises(TypeError, match=rf"^initial must be an integer, not {type_name(bad)}$"):
        cls(bad)
    assert read(counter) == 2**40


def test_index_that_raises(cls, read):
    class Broken:
        def __index__(self):
            raise ZeroDivisionError("from __index__")

    counter = cls(2**40)
    for _name, call in calls_with_amount(counter):
        with pytest.raises(ZeroDivisionError, match="from __index__"):
            call(Broken())
    assert read(counter) == 2**40


def test_index_that_returns_no_int(cls, read):
    counter = cls(2**40)
    for _name, call in calls_with_amount(counter):
        with pytest.raises(TypeError, match=r"__index__.* (returned non-int|must return an int)"):
            call(Index("5"))
    assert read(counter) == 2**40


def test_index_that_uses_the_counter(cls, read):
    class Busy:
        def __index__(self):
            counter.increment()
            return 100

    counter = cls(2**40)
    counter.add(Busy())
    assert read(counter) == 2**40 + 101


def test_wrong_number_of_arguments(cls, read):
    counter = cls(2**40)
    for call in (
        lambda: counter.increment(1),
        lambda: counter.add(),
        lambda: counter.add(1, 2),
        lambda: counter.add(amount=1),
        lambda: counter.reset(0),
        lambda: cls(1, 2),
        lambda: cls(start=1),
    ):
        with pytest.raises(TypeError, match="argument"):
            call()
    assert read(counter) == 2**40


def test_value_cannot_be_deleted(cls, read):
    counter = cls(5)
    with pytest.raises(AttributeError, match=rf"{cls.__name__}\.value .*cannot be deleted"):
        del counter.value
    assert read(counter) == 5


def test_fast_write_value_cannot_be_assigned():
    from fastcounter import FastWriteCounter

    class Sub(FastWriteCounter):
        pass

    for cls in (FastWriteCounter, Sub):
        counter = cls(5)
        with pytest.raises(AttributeError, match=rf"{cls.__name__}\.value is a method and cannot be assigned"):
            counter.value = 6
        assert counter.value() == 5


def test_no_other_attributes(cls):
    with pytest.raises(AttributeError, match="other"):
        cls().other = 1
