"""The recipe for Celery in docs/processes.md: a worker's processes, which come and go, count together."""

import os
import re
import sys

import pytest

from fastcounter import SharedCounterMap
from helpers import recipe, run_python

TASKS = """
import os

app.conf.broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"}

@app.task
def succeed():
    tasks.increment(("process", os.getpid()))

@app.task
def fail():
    raise ValueError("failed")
"""
SEND = "import shop; [task.delay() for _ in range(50) for task in (shop.succeed, shop.fail)]"


@pytest.fixture
def application(needs, tmp_path):
    """The recipe with two tasks, in a folder that has its messages and its counts too.  Returns the folder."""
    needs("celery")
    program = recipe("Celery").replace("redis://localhost", "filesystem://").replace("/var/lib/shop/", "")
    assert re.search(r'SharedCounterMap\("tasks.counts"\)', program)
    (tmp_path / "shop.py").write_text(program + TASKS)
    for folder in ("queue", "control"):
        (tmp_path / folder).mkdir()
    return tmp_path


def test_the_processes_of_a_worker_count_together(application, start, eventually):
    options = "--pool prefork --concurrency 4 --max-tasks-per-child 10 --without-gossip --without-mingle"
    environment = {**os.environ, "PYTHONPATH": str(application)}
    with (application / "log").open("w") as log:
        start(
            *[sys.executable, "-m", "celery", "--app", "shop", "worker", *options.split()],
            cwd=application,
            env=environment,
            stdout=log,
            stderr=log,
        )
    result = run_python("-c", SEND, cwd=application, env=environment)
    assert result.returncode == 0, result.stderr
    eventually((application / "tasks.counts").exists)
    tasks = SharedCounterMap(application / "tasks.counts")
    ends = [("shop.succeed", "SUCCESS"), ("shop.fail", "FAILURE")]
    eventually(lambda: [tasks[end] for end in ends] == [50, 50], seconds=300)
    processes = {label: count for label, count in tasks.items() if label not in ends}
    assert sum(processes.values()) == 50
    assert len(processes) > 4
