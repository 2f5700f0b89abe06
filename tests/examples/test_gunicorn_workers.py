"""examples/gunicorn_workers.py: every worker serves the counts of all, also when workers are killed."""

import contextlib
import os
import random
import re
import signal
import struct
import sys
from pathlib import Path

import pytest

from helpers import SCRIPTS, run_threads

CLASSES = {"2xx": "/", "4xx": "/missing", "5xx": "/broken"}
STATUSES = {"/": 200, "/missing": 404, "/broken": 500}
TEXT, OPENMETRICS = "text/plain", "application/openmetrics-text;version=1.0.0"


@pytest.fixture(autouse=True)
def count_file(tmp_path, monkeypatch):
    """The file of the servers.  The program that the test itself imports has another one, which no test reads."""
    monkeypatch.setenv("COUNT_FILE", str(tmp_path / "imported.count"))
    return str(tmp_path / "responses.count")


@pytest.fixture
def serve(count_file, path, gunicorn):
    """Start a server that runs a program from some folders.  Returns its process, its address and its log."""

    def started(*options, program="gunicorn_workers", folders=(path.parent,), **more):
        folders = ",".join(map(str, folders))
        command = [sys.executable, "-m", "gunicorn", "-w4", "--pythonpath", folders, *options, program]
        return gunicorn(*command, COUNT_FILE=count_file, **more)

    return started


@pytest.fixture
def scrape(example, fetch):
    """The counts by class, as a scraper that accepts this format reads them."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
    from prometheus_client.parser import text_string_to_metric_families as parse_text

    parsers = {TEXT: parse_text, OPENMETRICS: parse_openmetrics}

    def scraped(address, accept=TEXT):
        [family] = parsers[accept](fetch(f"http://{address}/metrics", Accept=accept))
        assert (family.name, family.type) == ("http_responses", "counter")
        return {sample.labels["class"]: int(sample.value) for sample in family.samples}

    return scraped


def test_prometheus_has_what_clients_sent_whoever_is_killed(
    serve, scrape, prometheus, workers, status_of, send_and_kill, eventually
):
    server, address, log = serve()
    eventually(lambda: len(workers(log)) == 4)
    query = prometheus(address)
    answered, cut, scrapes = send_and_kill(
        address, log, STATUSES, lambda address: scrape(address, random.choice([TEXT, OPENMETRICS]))
    )
    counts = scrape(address)
    for name, count in counts.items():
        page = CLASSES.get(name)
        assert answered[page] <= count <= answered[page] + cut[page]
        seen = [scrape[name] for scrape in scrapes]
        assert seen == sorted(seen)
    eventually(lambda: query("http_responses_total") == {name: str(count) for name, count in counts.items()})

    server.terminate()
    assert server.wait(timeout=30) == 0
    serve(address=address)
    assert eventually(lambda: scrape(address)) == counts
    assert status_of(address, "/missing") == 404
    counts["4xx"] += 1
    eventually(lambda: query("http_responses_total") == {name: str(count) for name, count in counts.items()})
    assert query("resets(http_responses_total[1h])") == dict.fromkeys(counts, "0")


def test_the_program_serves_both_formats(serve, scrape, workers, status_of, fetch, promtool, eventually):
    _, address, log = serve()
    eventually(lambda: scrape(address) and len(workers(log)) == 4)
    assert status_of(address, "/") == 200
    assert scrape(address, TEXT) == scrape(address, OPENMETRICS) == {"2xx": 1, "3xx": 0, "4xx": 0, "5xx": 0}
    promtool(fetch(f"http://{address}/metrics"))


@pytest.fixture
def check_that_workers_share(scrape, workers, status_of, eventually):
    """Check that each worker serves the counts of all, also a worker that takes the place of one that was killed."""

    def check(address, log):
        eventually(lambda: len(workers(log)) == 4 and scrape(address))
        for requests in (200, 400):
            run_threads(*[lambda path=path: [status_of(address, path) for _ in range(200)] for path in STATUSES])
            assert [scrape(address) for _ in range(20)] == [{"3xx": 0, **dict.fromkeys(CLASSES, requests)}] * 20
            for pid in workers(log)[:4]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            eventually(lambda: len(workers(log)) == 8 and scrape(address))

    return check


@pytest.mark.parametrize("options", [["--preload"], ["--threads=4"]], ids=["preload", "threads"])
def test_however_gunicorn_starts_its_workers(serve, check_that_workers_share, options):
    _, address, log = serve(*options)
    check_that_workers_share(address, log)


def test_a_flask_application_counts_with_the_same_function(serve, path, check_that_workers_share, missing):
    try:
        import flask  # noqa: F401
    except ModuleNotFoundError as error:
        missing(error.name)
    _, address, log = serve("--preload", program="count_in_flask", folders=(path.parent, SCRIPTS))
    check_that_workers_share(address, log)


def test_each_count_has_a_cache_line(example):
    offsets = sorted(example.OFFSETS.values())
    assert len(example.HEADER) <= offsets[0]
    assert all(offset % 64 == 0 for offset in offsets)
    assert len(set(offsets)) == len(offsets)


@pytest.mark.parametrize("exists", [False, True], ids=["new", "empty"])  # empty: the process that made it was killed
def test_all_that_open_a_file_at_once_count_in_it(example, tmp_path, exists):
    for number in range(100):
        path = str(tmp_path / str(number))
        if exists:
            open(path, "x").close()
        run_threads(*[lambda path=path: example.open_counts(path)["2xx"].increment()] * 4)
        assert example.open_counts(path)["2xx"].value == 4


@pytest.fixture
def other(path, example, load, tmp_path, monkeypatch):
    """The example's next version, with one label more."""
    monkeypatch.setenv("COUNT_FILE", str(tmp_path / "other.count"))
    program = tmp_path / path.name
    program.write_text(path.read_text().replace('"5xx": 1216', '"418": 1216, "5xx": 1280'))
    other = load(program)
    assert other.HEADER != example.HEADER
    return other


def refusal(path, found, wanted):
    return f"{path!r} holds {found.HEADER!r}, but this program counts {wanted.HEADER!r}: use another file"


def test_of_two_tables_that_open_a_file_at_once_one_is_refused(example, other, tmp_path):
    for number in range(100):
        path, refused = str(tmp_path / str(number)), []

        def opens(program, path=path, refused=refused):
            try:
                program.open_counts(path)
            except ValueError as error:
                refused.append(str(error))
            else:
                return program

        [winner] = filter(None, run_threads(lambda: opens(example), lambda: opens(other)))
        loser = other if winner is example else example
        assert refused == [refusal(path, winner, loser)]
        assert Path(path).read_bytes().startswith(winner.HEADER)


@pytest.mark.parametrize("content", [b"\0" * 4096, struct.pack("q", 12345).ljust(4096, b"\0"), b"12345\n"])
def test_any_other_file_is_refused(example, tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(f"but this program counts {example.HEADER!r}")):
        example.open_counts(path)
    assert path.read_bytes() == content


def test_gunicorn_does_not_start_with_the_counts_of_another_table(serve, example, other, count_file):
    example.open_counts(count_file)["5xx"].add(3)
    before = Path(count_file).read_bytes()
    server, _, log = serve(folders=[Path(other.__file__).parent])
    assert server.wait(timeout=60) != 0
    assert refusal(count_file, example, other) in log.read_text()
    assert Path(count_file).read_bytes() == before
