"""examples/gunicorn_labels.py: each path is counted once, whichever worker first meets it and whoever is killed."""

import random
import sys
from itertools import pairwise

import pytest

PATHS = [f"/{number}" for number in range(300)]


@pytest.fixture(autouse=True)
def its_own_module(path, monkeypatch):
    """Let the example import shared_labels.py, which is beside it."""
    monkeypatch.syspath_prepend(path.parent)


@pytest.fixture
def serve(path, tmp_path, example, gunicorn):
    """Start a server with four workers.  Returns its process, its address and its log."""
    application = f"gunicorn_labels:Application({str(tmp_path / 'requests.count')!r})"
    command = [sys.executable, "-m", "gunicorn", "--workers", "4", "--pythonpath", path.parent, application]
    return lambda **options: gunicorn(*command, **options)


@pytest.fixture
def scrape(fetch):
    """The counts by path, as a scraper reads them."""
    from prometheus_client.parser import text_string_to_metric_families

    def scraped(address):
        [family] = text_string_to_metric_families(fetch(f"http://{address}/metrics"))
        assert (family.name, family.type) == ("http_requests", "counter")
        counts = {sample.labels["path"]: int(sample.value) for sample in family.samples}
        assert len(counts) == len(family.samples)  # no path is there twice
        return counts

    return scraped


def test_each_path_s_count_is_what_was_answered_whoever_is_killed(
    serve, scrape, workers, status_of, send_and_kill, eventually
):
    server, address, log = serve()
    eventually(lambda: len(workers(log)) == 4)
    answered, cut, scrapes = send_and_kill(address, log, dict.fromkeys(PATHS, 200), scrape, kills=6)
    counts = scrape(address)
    assert counts.pop("other") == 0
    assert set(answered) <= set(counts) <= set(PATHS)
    for path, count in counts.items():
        assert answered[path] <= count <= answered[path] + cut[path]
        seen = [scrape[path] for scrape in scrapes if path in scrape]
        assert seen == sorted(seen)
    assert all(set(before) <= set(after) for before, after in pairwise(scrapes))
    assert [scrape(address) for _ in range(20)] == [{"other": 0, **counts}] * 20  # whichever worker serves it

    server.terminate()
    assert server.wait(timeout=30) == 0
    serve(address=address)
    assert eventually(lambda: scrape(address)) == {"other": 0, **counts}
    path = random.choice(PATHS)
    assert status_of(address, path) == 200
    assert scrape(address)[path] == counts[path] + 1


def test_prometheus_gets_paths_of_any_kind(serve, scrape, status_of, fetch, promtool, prometheus, workers, eventually):
    _, address, log = serve()
    eventually(lambda: len(workers(log)) == 4)
    paths = ["/", "/%C3%A9", "/%22quoted%22", "/a%0Ab", "/a%5Cb", "/%00", "/%FF", "/other", "/" + "a" * 246]
    names = ["/", "/é", '/"quoted"', "/a\nb", "/a\\b", "/\0", "/\ufffd", "/other", "/" + "a" * 246]
    for path in paths * 8:
        assert status_of(address, path) == 200
    assert scrape(address) == {**dict.fromkeys(names, 8), "other": 0}
    promtool(fetch(f"http://{address}/metrics"))
    assert eventually(lambda: prometheus(address)("http_requests_total") == {**dict.fromkeys(names, "8"), "other": "0"})


def test_paths_that_find_no_room_are_answered_too(example, tmp_path):
    application = example.Application(str(tmp_path / "requests.count"))

    def answer(path):
        statuses = []
        assert application({"PATH_INFO": path}, lambda status, headers: statuses.append(status)) == [b"Counted.\n"]
        assert statuses == ["200 OK"]

    answer("/" * 248)
    assert application.other.value == 1
    for number in range(5000):
        answer(f"/{number}")
    assert len(application.counts) == 4095
    assert application.other.value == 1 + 5000 - 4094
    for number in range(5000):
        answer(f"/{number}")
    assert application.other.value == 1 + 2 * (5000 - 4094)
    assert all(counter.value == 2 for label, counter in application.counts.items() if label != "other")


def test_the_program(path, example, gunicorn, scrape, status_of, tmp_path, monkeypatch, eventually):
    monkeypatch.chdir(tmp_path)
    _, address, _ = gunicorn(sys.executable, path)
    assert eventually(lambda: scrape(address)) == {"other": 0}
    assert status_of(address, "/") == 200
    assert scrape(address) == {"other": 0, "/": 1}
    assert (tmp_path / "requests.count").exists()
