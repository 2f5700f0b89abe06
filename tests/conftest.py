"""What the tests share: the classes under test, a way to read any of them, and threads that start together."""

import os
import sys
import sysconfig

import pytest
from hypothesis import settings
from stress import start_together

import fastcounter
from fastcounter import pure

COMPILED = [fastcounter.SingleThreadCounter, fastcounter.FastReadCounter, fastcounter.FastWriteCounter]
ORIGINAL = [pure.SingleThreadCounter, pure.FastReadCounter, pure.FastWriteCounter]

# Both sides of every limit at which an int's representation, or a C integer, changes.
LIMITS = [0, 256, 1024, *(2**bits for bits in (15, 16, 30, 31, 60, 62, 63, 64, 90))]
AROUND_LIMITS = sorted({sign * limit + step for limit in LIMITS for sign in (1, -1) for step in range(-2, 3)})


# HYPOTHESIS_PROFILE=long is for the fuzzing that nobody waits for.
settings.register_profile("short", max_examples=150, stateful_step_count=60, deadline=None)
settings.register_profile("long", max_examples=20_000, stateful_step_count=200, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

# Those that are exact when several threads write; without the GIL, SingleThreadCounter is not.
GIL_BUILD = not sysconfig.get_config_var("Py_GIL_DISABLED")
SHARED = COMPILED if GIL_BUILD else COMPILED[1:]


def name(cls):
    return f"{cls.__module__}.{cls.__name__}"


@pytest.fixture(params=COMPILED, ids=name)
def cls(request):
    """Each compiled class."""
    return request.param


@pytest.fixture(params=COMPILED[:2], ids=name)
def attribute_cls(request):
    """Each compiled class whose `value` is an attribute."""
    return request.param


@pytest.fixture(params=COMPILED + ORIGINAL, ids=name)
def any_cls(request):
    """Each compiled class and each original."""
    return request.param


@pytest.fixture(params=SHARED, ids=name)
def shared_cls(request):
    """Each compiled class that is exact when several threads write."""
    return request.param


def read_count(counter):
    """The count of a counter of any class."""
    return counter.value() if callable(counter.value) else counter.value


@pytest.fixture
def read():
    return read_count


@pytest.fixture
def run_threads():
    """Run functions in threads of their own that start together, switching as often as Python can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield lambda *functions: start_together(functions)
    sys.setswitchinterval(interval)
