"""Some programs of tests/schedules, and mutations that they find.  `nox -s schedules` runs all of them."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "schedules"
SOURCES = [FOLDER / "programs.c", FOLDER.parents[1] / "fastcounter" / "c" / "cell.h"]

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.skipif(
        platform.libc_ver()[0] != "glibc" or sys.maxsize < 2**32,
        reason="needs the coroutines of the GNU C library, and 64 bits",
    ),
    pytest.mark.skipif(not all(map(Path.exists, SOURCES)), reason="needs the sources"),
]


def run(*args):
    result = subprocess.run([sys.executable, FOLDER / "run.py", *args], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("program", ["increments", "both_read_zero"])
def test_program(program):
    assert run("--only", "programs", "--program", program).count(f"{program}, striped") >= 4


def test_program_of_processes():
    assert run("--only", "programs", "--program", "fill_the_memory").count("fill_the_memory, processes") == 6


@pytest.mark.parametrize(
    "mutation", ["drain() sets a stripe to 0", "table_all() takes no lock", "append_once() takes no lock"]
)
def test_mutation(mutation):
    assert "1 of 1 mutations are found" in run("--only", "mutations", "--mutation", mutation)
