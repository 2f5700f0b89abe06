"""examples/prometheus_collector.py: scraped by a parser, by promtool and by a Prometheus server."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest

from fastcounter import FastWriteCounter
from helpers import run_threads


def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.read().decode()
    except urllib.error.HTTPError as error:  # as long as a server is starting
        error.close()
        raise


@pytest.fixture
def counters():
    return {"/": FastWriteCounter(), "/about": FastWriteCounter(2**53 - 1)}


@pytest.fixture
def address(example, counters):
    """Where prometheus_client serves the counters."""
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry()
    registry.register(example.RequestsCollector(counters))
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def scrape(address):
    """The counts by path, as a scraper reads them."""
    from prometheus_client.parser import text_string_to_metric_families

    def scraped():
        [family] = text_string_to_metric_families(fetch(f"http://{address}/metrics"))
        assert (family.name, family.type) == ("app_requests", "counter")
        return {sample.labels["path"]: sample.value for sample in family.samples}

    return scraped


def test_a_scrape_is_exact_and_takes_nothing_away(scrape, counters):
    counters["/"].add(3)
    assert scrape() == scrape() == {"/": 3, "/about": 2**53 - 1}
    counters["/about"].increment()
    assert scrape() == {"/": 3, "/about": 2**53}


def test_counts_never_go_back(scrape, counters):
    def count():
        for _ in range(200_000):
            counters["/"].increment()

    def scrape_on():
        return [scrape()["/"] for _ in range(50)]

    first, second, *_ = run_threads(scrape_on, scrape_on, *[count] * 4)
    assert first == sorted(first)
    assert second == sorted(second)
    assert scrape()["/"] == 800_000


def test_promtool_finds_nothing_to_say(address, program):
    metrics = fetch(f"http://{address}/metrics")
    command = [program("promtool"), "check", "metrics"]
    result = subprocess.run(command, input=metrics, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.fixture
def prometheus(program, start, free_port, tmp_path, eventually):
    """Start a Prometheus server that scrapes an address; returns a function that queries it."""

    def serve(address):
        config = tmp_path / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 100ms, scrape_timeout: 100ms}\n"
            f"scrape_configs: [{{job_name: app, static_configs: [{{targets: ['{address}']}}]}}]\n"
        )
        with open(tmp_path / "prometheus.log", "w") as log:
            port = free_port()
            start(
                program("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                stderr=log,
            )

        def query(expression):
            parameters = urlencode({"query": expression})
            answer = json.loads(fetch(f"http://127.0.0.1:{port}/api/v1/query?{parameters}"))
            return {result["metric"].get("path"): result["value"][1] for result in answer["data"]["result"]}

        eventually(lambda: query("app_requests_total") or None)
        return query

    return serve


def test_a_prometheus_server_gets_every_count(address, counters, prometheus, eventually):
    query = prometheus(address)
    assert query("app_requests_total")["/about"] == str(2**53 - 1)
    counters["/about"].increment()
    run_threads(*[lambda: [counters["/"].increment() for _ in range(100_000)]] * 4)
    expected = {"/": "400000", "/about": str(2**53)}
    eventually(lambda: query("app_requests_total") == expected)
    assert query("resets(app_requests_total[1h])") == {"/": "0", "/about": "0"}


def test_the_program(example, path, start, free_port, eventually):
    port = free_port()
    start(sys.executable, path, env={**os.environ, "PORT": str(port)})
    metrics = eventually(lambda: fetch(f"http://127.0.0.1:{port}/metrics"))
    assert 'app_requests_total{path="/about"}' in metrics
