"""What the tests share: fixtures with each class of a kind, and how long to fuzz."""

import functools
import gc
import itertools
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # makes `helpers` importable wherever the tests are

pytest.register_assert_rewrite("helpers")

from helpers import COMPAT, COMPILED, EXACT, ORIGINAL, name_of

# HYPOTHESIS_PROFILE=long fuzzes for hours.
settings.register_profile("short", max_examples=100, stateful_step_count=60, deadline=None)
settings.register_profile("long", max_examples=20_000, stateful_step_count=200, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))


@pytest.fixture(scope="module")
def short_collections():
    """Collections leave out what was there before, the modules of pytest and others.  They take a tenth of a second."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def without_memory():
    """Make an object and call a function with it, again and again, each time with another allocation that fails.

    At first that is the first one.  With `for_good` all after it fail too.  A list takes one allocation or, if the
    interpreter has one to use again, none; both are tried.  Yield each object, and whether its call raised MemoryError.
    """
    testcapi = pytest.importorskip("_testcapi")

    def call_each_time(times, make, function, *args, for_good=False):
        for others, again in itertools.product(range(times), (True, False)):
            made = make()
            call = functools.partial(function, made, *args)
            failed = False
            lists = [[None] for _ in range(100)]  # more than the interpreter keeps to use again
            if again:
                del lists[:]
            testcapi.set_nomemory(others, 0 if for_good else others + 1)
            try:
                call()
            except MemoryError:
                failed = True
            finally:
                testcapi.remove_mem_hooks()
            yield made, failed

    return call_each_time


@pytest.fixture(params=COMPILED, ids=name_of)
def counter_class(request):
    """Each compiled class."""
    return request.param


@pytest.fixture(params=COMPILED[:2], ids=name_of)
def attribute_counter_class(request):
    """Each compiled class whose `value` is an attribute."""
    return request.param


@pytest.fixture(params=EXACT, ids=name_of)
def exact_counter_class(request):
    """Each compiled class that is exact when several threads write."""
    return request.param


@pytest.fixture(params=COMPAT, ids=name_of)
def compat_counter_class(request):
    """Each class of `fastcounter.compat`."""
    return request.param


@pytest.fixture(params=COMPILED + ORIGINAL, ids=name_of)
def any_counter_class(request):
    """Each compiled class and each original."""
    return request.param
