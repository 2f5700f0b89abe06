"""examples/flask_workers.py under gunicorn: every worker serves the counts of all, whoever is killed."""

import http.client
import os
import random
import signal
import sys

import pytest

import helpers
from fastcounter import CounterMap

PAGES = """
@app.get("/items/<int:number>")
def item(number):
    return f"Item {number}"

@app.get("/broken")
def broken():
    raise ValueError("broken")
"""
# The label and the status of each path.
ANSWERS = {
    "/items/1": (("/items/<int:number>", "2xx"), 200),
    "/items/2": (("/items/<int:number>", "2xx"), 200),
    "/items/none": (("none", "4xx"), 404),
    "/broken": (("/broken", "5xx"), 500),
}
KILLS = 4


@pytest.fixture
def pages(needs):
    needs("flask", "gunicorn")
    return PAGES


@pytest.fixture
def gunicorn(serve):
    """Start gunicorn with four workers."""
    # A worker misses a signal that comes just after its fork.  It is killed after the graceful timeout.
    command = "gunicorn --workers 4 --bind 127.0.0.1:{port} --no-control-socket --graceful-timeout 5"
    return lambda *options, **more: serve(*command.split(), *options, **more)


@pytest.mark.parametrize("option", ["--workers=4", "--preload", "--threads=4", "--max-requests=50"])
def test_workers_share_the_counts(gunicorn, check_that_workers_share, option):
    check_that_workers_share(*gunicorn(option), ANSWERS)


def test_no_answer_is_lost_whoever_is_killed(
    gunicorn, scrape, prometheus, promtool, fetch, status_of, workers, eventually
):
    """A worker serves one request at a time, so at most one is cut off for each worker that is killed."""
    server, address, log = gunicorn()
    eventually(lambda: len(workers(log)) == 4 and scrape(address) == {})
    answered, cut, scrapes = CounterMap(), CounterMap(), []
    query = prometheus(address)

    def send():
        for _ in range(500):
            path = random.choice(list(ANSWERS))
            label, status = ANSWERS[path]
            try:
                assert status_of(address, path) == status
            except (OSError, http.client.HTTPException):
                cut.increment(label)
            else:
                answered.increment(label)

    def scrape_and_kill():
        for kill in range(1, KILLS + 1):
            eventually(lambda kill=kill: answered.total() > 300 * kill)
            scrapes.append(scrape(address))
            os.kill(random.choice([pid for pid in workers(log) if helpers.is_running(pid)]), signal.SIGKILL)
            eventually(lambda kill=kill: len(workers(log)) == 4 + kill)

    helpers.run_threads(send, send, send, scrape_and_kill, switch_interval=sys.getswitchinterval())
    counts = scrape(address)
    assert set(answered) <= set(counts) <= {label for label, _ in ANSWERS.values()}
    for label, count in counts.items():
        assert answered[label] <= count <= answered[label] + cut[label]
        seen = [scrape.get(label, 0) for scrape in scrapes]
        assert seen == sorted(seen)
    assert cut.total() <= KILLS
    promtool(fetch(f"http://{address}/metrics"))

    server.terminate()
    assert server.wait(timeout=60) == 0
    gunicorn(port=address.rpartition(":")[2])
    assert eventually(lambda: scrape(address)) == counts  # they go on
    status_of(address, "/broken")
    counts["/broken", "5xx"] += 1
    wanted = {",".join(sorted(label)): str(count) for label, count in counts.items()}

    def found():
        values = query('http_responses_total{route!="/metrics"}').items()
        return {",".join(sorted(label.split(","))): count for label, count in values}

    eventually(lambda: found() == wanted)
    assert set(query("resets(http_responses_total[1h])").values()) == {"0"}
