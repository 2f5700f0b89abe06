"""The recipe for Celery in docs/processes.md: the processes of two workers, which come and go, count together."""

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
WORKER = "-m celery --app shop worker --pool prefork --concurrency 2 --max-tasks-per-child 10"
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


def test_the_processes_of_two_workers_count_together(application, start, eventually):
    place = {"cwd": application, "env": {**os.environ, "PYTHONPATH": str(application)}}
    for name in ("one@%h", "two@%h"):
        with (application / f"{name}.log").open("w") as log:
            start(sys.executable, *WORKER.split(), "--hostname", name, stdout=log, stderr=log, **place)
    result = run_python("-c", SEND, **place)
    assert result.returncode == 0, result.stderr
    eventually((application / "tasks.counts").exists)
    tasks = SharedCounterMap(application / "tasks.counts")
    ends = [("shop.succeed", "SUCCESS"), ("shop.fail", "FAILURE")]
    eventually(lambda: [tasks[end] for end in ends] == [50, 50], seconds=300)
    processes = {label: count for label, count in tasks.items() if label not in ends}
    assert sum(processes.values()) == 50
    assert len(processes) > 4
