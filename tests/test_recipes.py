"""The programs of README.md and docs/processes.md print what they say, by each way to start a process.

tests/examples/ has those of servers and of Celery.
"""

import multiprocessing
import os
import re

import pytest

from fastcounter import SharedCounterMap
from helpers import recipe, run_quietly

pytestmark = [pytest.mark.long, pytest.mark.hangs_under_wine]


@pytest.fixture
def run(tmp_path):
    """Run the program below a heading, by a start method.  Returns what it prints, and what its last line says."""

    def started(heading, method="spawn"):
        program = recipe(heading)
        (tmp_path / "program.py").write_text(program)
        start = f"import multiprocessing, runpy; multiprocessing.set_start_method({method!r});"
        printed = run_quietly("-c", f"{start} runpy.run_path('program.py', run_name='__main__')", cwd=tmp_path)
        return printed.strip(), re.search(r"print\(.*\) +# (.*)", program)[1]

    return started


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_an_executor(run, method):
    printed, expected = run("multiprocessing and executors", method)
    assert printed == expected


def test_joblib(run):
    pytest.importorskip("joblib")
    first, expected = run("joblib and loky")
    second, _ = run("joblib and loky")
    assert f"{first}, and the next time {second}" == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork(run):
    printed, expected = run("os.fork()")
    assert printed == expected


def test_pytest(tmp_path):
    """A test has the counts of its own requests, and the application's file none of them."""
    application = "requests = SharedCounterMap('requests.counts')\n\ndef handle(path):\n    requests.increment(path)\n"
    (tmp_path / "shop.py").write_text(f"from fastcounter import SharedCounterMap\n\n{application}")
    again = "def test_again(requests):\n    shop.handle('/cart')\n    assert requests == {'/cart': 1}\n"
    (tmp_path / "test_shop.py").write_text(f"{recipe('pytest')}\n\n{again}")
    result = run_quietly("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    assert "2 passed" in result
    assert SharedCounterMap(tmp_path / "requests.counts") == {}


def test_the_file_of_the_readme(tmp_path):
    """The counts go on in the next process."""
    for _ in range(3):
        run_quietly("-c", recipe("Processes", "README.md"), cwd=tmp_path)
    assert SharedCounterMap(tmp_path / "requests.counts").total() == 3
