"""The published 1.x API, compared with what fastcounter 1.1.0 was observed to do."""

import copy
import functools
import itertools
import pickle

import pytest

import fastcounter
from fastcounter import compat
from helpers import COMPAT, name_of, read_count, run_threads

pytestmark = pytest.mark.reentrant


def test_hierarchy_and_names():
    assert issubclass(compat.FastReadCounter, compat.Counter)
    assert issubclass(compat.FastWriteCounter, compat.Counter)
    assert not issubclass(compat.FastReadCounter, fastcounter.FastReadCounter)
    for name in compat.__all__:
        assert (getattr(compat, name).__module__, getattr(compat, name).__name__) == ("fastcounter.compat", name)


@pytest.mark.parametrize("init", [0, 4, -7, 2**70])
@pytest.mark.parametrize("step", [1, 3, 0, -2, 2**65])
def test_counting_in_steps(compat_counter_class, init, step):
    counter = compat_counter_class(init, step)
    expected = init
    for num_steps in (1, 0, 2, 10, 10**6):
        assert counter.value == expected
        assert counter.value == expected
        assert counter.increment(num_steps) is None
        expected += step * num_steps
        counter.increment()
        expected += step
    assert counter.value == expected


def test_arguments_by_keyword(compat_counter_class):
    counter = compat_counter_class(init=5, step=2)
    counter.increment(num_steps=3)
    counter.increment()
    assert counter.value == 13
    assert compat_counter_class().value == 0
    assert compat_counter_class(step=4).value == 0


@pytest.mark.parametrize("keyword", ["init", "step"])
def test_the_other_classes_name_compat_in_the_error(counter_class, keyword):
    message = rf"{counter_class.__name__}\(\) takes `initial`, not `{keyword}`; fastcounter\.compat has the API of"
    with pytest.raises(TypeError, match=message):
        counter_class(**{keyword: 1})
    counter = counter_class(5)
    with pytest.raises(TypeError, match=message):
        counter.__init__(**{keyword: 1})
    assert read_count(counter) == 5


@pytest.mark.parametrize("args", [(0, 2), (0, 2, 3)])
def test_the_other_classes_name_compat_if_they_get_a_step(counter_class, args):
    message = rf"{counter_class.__name__}\(\) takes `initial` only, not {len(args)} arguments; fastcounter\.compat has"
    counter = counter_class(5)
    for call in (counter_class, counter.__init__):
        with pytest.raises(TypeError, match=message):
            call(*args)
    assert read_count(counter) == 5


def test_a_negative_number_of_steps_subtracts(compat_counter_class):
    """1.1.0 does that in Counter and FastReadCounter.  Its FastWriteCounter ignores a negative number."""
    counter = compat_counter_class(10, 2)
    counter.increment(-3)
    assert counter.value == 4


@pytest.mark.parametrize("assignable_class", COMPAT[:2], ids=name_of)
def test_value_is_assignable(assignable_class):
    counter = assignable_class(step=2)
    counter.value = 5
    counter.increment()
    assert counter.value == 7


def test_value_of_fast_write_is_not_assignable():
    class Sub(compat.FastWriteCounter):
        pass

    for kind in (compat.FastWriteCounter, Sub):
        counter = kind(5)
        with pytest.raises(AttributeError, match=rf"{kind.__name__}\.value cannot be assigned"):
            counter.value = 6
        assert counter.value == 5


@pytest.mark.parametrize("bad", [1.5, "1", None])
def test_not_an_integer(compat_counter_class, bad):
    counter = compat_counter_class(5, 2)
    for name, call in (
        ("init", lambda: compat_counter_class(bad)),
        ("step", lambda: compat_counter_class(0, bad)),
        ("init", lambda: counter.__init__(bad)),
        ("step", lambda: counter.__init__(7, bad)),
        ("num_steps", lambda: counter.increment(bad)),
        ("num_steps", lambda: counter.increment(num_steps=bad)),
    ):
        with pytest.raises(TypeError, match=f"^{name} must be an integer, not {type(bad).__name__}$"):
            call()
    counter.increment()
    assert counter.value == 7


def test_any_integer_will_do(compat_counter_class):
    counter = compat_counter_class(True, True)
    counter.increment(True)
    assert (type(counter.value), counter.value) == (int, 2)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda counter: pickle.loads(pickle.dumps(counter))])
def test_copies_keep_the_step(compat_counter_class, way):
    counter = compat_counter_class(5, 3)
    duplicate = way(counter)
    counter.increment()
    duplicate.increment(2)
    assert (type(duplicate), counter.value, duplicate.value) == (compat_counter_class, 8, 11)


def test_subclasses(compat_counter_class):
    class Named(compat_counter_class):
        def __init__(self, name, **kwargs):
            super().__init__(**kwargs)
            self.name = name

    counter = Named("requests", init=1, step=5)
    counter.increment()
    duplicate = pickle.loads(pickle.dumps(compat_counter_class(1, 5)))
    assert (counter.value, counter.name, duplicate.value) == (6, "requests", 1)


@pytest.mark.threads
@pytest.mark.parametrize("exact_compat_class", COMPAT[1:], ids=name_of)
def test_threads(exact_compat_class):
    counter = exact_compat_class(2**62, 2**33)
    run_threads(*[lambda: [counter.increment(3) for _ in range(10_000)]] * 4)
    assert counter.value == 2**62 + 4 * 10_000 * 3 * 2**33


def test_the_rest_of_the_api(compat_counter_class):
    counter = compat_counter_class(5, 2)
    counter.add(3)
    counter += 1
    assert repr(counter) == f"{compat_counter_class.__name__}(9)"
    assert (int(counter), counter.reset(), counter.value) == (9, 9, 0)


def originals(init, step):
    """The FastWriteCounter of 1.1.0: an itertools.count and the number of steps that its reads have taken."""
    count = itertools.count(init, step)
    reads = 0
    while True:
        reads_now = yield next(count) - reads * step
        reads += 1
        for _ in range(reads_now or 0):
            next(count)


@pytest.mark.parametrize("step", [1, 3, 0, -2])
def test_reading_between_increments_as_1_1_0_does(step):
    model = originals(4, step)
    counter = compat.FastWriteCounter(4, step)
    assert counter.value == next(model)
    for num_steps in (1, 2, 0, 5):
        counter.increment(num_steps)
        assert counter.value == model.send(num_steps)


@pytest.mark.threads
def test_threads_that_initialize_again(compat_counter_class):
    """Whichever calls of __init__ overlap, the step is one of those given, the same for each way to increment."""

    counters = [compat_counter_class() for _ in range(20_000)]

    def initialize(step):
        for counter in counters:
            counter.__init__(0, step)

    run_threads(functools.partial(initialize, 1), functools.partial(initialize, 5))
    for counter in counters:
        counter.increment()
        added = int(counter)
        assert added in (1, 5)
        counter.increment(1)
        assert int(counter) == 2 * added


def test_wrong_number_of_arguments(compat_counter_class):
    counter = compat_counter_class(5)
    for args, kwargs in [((1, 2), {}), ((1,), {"num_steps": 1}), ((), {"steps": 1}), ((), {"num_steps": 1, "more": 2})]:
        with pytest.raises(TypeError, match="increment"):
            counter.increment(*args, **kwargs)
    assert counter.value == 5
