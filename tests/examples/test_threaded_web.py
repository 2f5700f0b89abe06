"""examples/threaded_web.py: its page shows all requests, and each is counted before it is answered."""

import subprocess
import sys
import threading
import urllib.error

import pytest

from helpers import run_threads

THREADS = 2
REQUESTS = 200


@pytest.fixture
def address(served, eventually, fetch):
    """Start the program.  It has then counted nothing."""
    address = served(stderr=subprocess.DEVNULL)
    eventually(lambda: fetch(f"{address}/counts") == "")
    return address


@pytest.fixture
def counts(address, fetch):
    """The counts by label that the page shows."""

    def shown():
        lines = [line.split(maxsplit=1) for line in fetch(f"{address}/counts").splitlines()]
        return {label: int(count) for count, label in lines}

    return shown


def status_of(address, fetch):
    try:
        fetch(address)
    except urllib.error.HTTPError as error:
        return error.code
    return 200


def test_the_page_shows_all_requests(address, counts, fetch):
    def visit(path, status):
        for _ in range(REQUESTS):
            assert status_of(f"{address}{path}", fetch) == status

    visits = [("/", 200), ("/about?q=1", 200), ("/missing", 404)]
    visitors = [lambda visited=visited: visit(*visited) for visited in visits * THREADS]
    run_threads(*visitors, switch_interval=sys.getswitchinterval())  # they only wait for the server
    assert counts() == dict.fromkeys(["/", "/about", "not found"], THREADS * REQUESTS)


def test_unknown_paths_make_no_labels(address, counts, fetch):
    for number in range(20):
        assert status_of(f"{address}/{number}", fetch) == 404
    assert counts() == {"not found": 20}


@pytest.mark.parametrize(("requested", "label"), [("/", "/"), ("/missing", "not found")])
def test_a_request_is_counted_before_it_is_answered(example, fetch, requested, label):
    counted = []

    class Handler(example.Handler):
        def answer(self, status, text):
            counted.append(dict(example.counts))
            super().answer(status, text)

        def log_message(self, *args):
            pass

    with example.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        status_of(f"http://127.0.0.1:{server.server_port}{requested}", fetch)
        server.shutdown()
        thread.join()
    assert counted == [{label: 1}]
