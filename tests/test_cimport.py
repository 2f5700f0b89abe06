"""`from fastcounter cimport ...` in a user's module, built against the installed package."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fastcounter import FastReadCounter, FastWriteCounter, SingleThreadCounter

EXAMPLE = Path(__file__).parent / "cimport_example" / "counting.pyx"
SETUP = """
from Cython.Build import cythonize
from setuptools import setup

setup(name="counting", ext_modules=cythonize("counting.pyx"), script_args=["-q", "build_ext", "--inplace"])
"""


@pytest.fixture(scope="module")
def counting(tmp_path_factory):
    directory = tmp_path_factory.mktemp("cimport")
    shutil.copy(EXAMPLE, directory)
    result = subprocess.run(
        [sys.executable, "-c", SETUP],
        cwd=directory,
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "CFLAGS"},  # the interpreter's own
    )
    built = [path for path in directory.iterdir() if path.suffix in (".so", ".pyd")]
    assert built, result.stdout + result.stderr
    spec = importlib.util.spec_from_file_location("counting", built[0])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_increments_from_c(counting):
    counter = FastWriteCounter(2**30 - 500)
    counting.increment_many(counter, 1000)
    assert counter.value() == 2**30 + 500


def test_every_call(counting):
    counts = counting.every_call(SingleThreadCounter(10))
    assert counts == (2**70 + 12, 2**70 + 17, 2**70 + 17, 2**70 + 17, 0)


def test_errors(counting):
    counter = FastReadCounter(5)
    with pytest.raises(TypeError, match="amount must be an integer, not str"):
        counting.add(counter, "1")
    with pytest.raises(TypeError, match="FastReadCounter"):
        counting.add(FastWriteCounter(), 1)
    assert counter.value == 5


def test_classes_are_those_of_python(counting):
    assert type(counting.make(7)) is FastReadCounter
    assert counting.make(7).value == 7


def test_subclasses_will_do(counting):
    class Sub(SingleThreadCounter):
        pass

    assert counting.every_call(Sub(10))[0] == 2**70 + 12
