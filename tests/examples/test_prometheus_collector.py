"""examples/prometheus_collector.py: scraped by a parser, by promtool and by a Prometheus server."""

import pytest

from fastcounter import CounterMap
from helpers import run_threads


@pytest.fixture
def requests():
    return CounterMap({"/": 0, "/about": 2**53 - 1})


@pytest.fixture
def address(example, requests, expose):
    """Where prometheus_client serves the counts."""
    return expose(example.RequestsCollector(requests))


@pytest.fixture
def scrape(address, fetch):
    """The counts by path, as a scraper reads them."""
    from prometheus_client.parser import text_string_to_metric_families

    def scraped():
        [family] = text_string_to_metric_families(fetch(f"http://{address}/metrics"))
        assert (family.name, family.type) == ("app_requests", "counter")
        return {sample.labels["path"]: sample.value for sample in family.samples}

    return scraped


def test_a_scrape_is_exact_and_takes_nothing_away(scrape, requests):
    requests.add("/", 3)
    assert scrape() == scrape() == {"/": 3, "/about": 2**53 - 1}
    requests.increment("/about")
    assert scrape() == {"/": 3, "/about": 2**53}
    requests.increment("/new")
    assert scrape() == {"/": 3, "/about": 2**53, "/new": 1}


def test_counts_never_go_back(scrape, requests):
    def count():
        for _ in range(200_000):
            requests.increment("/")

    def scrape_on():
        return [scrape()["/"] for _ in range(50)]

    first, second, *_ = run_threads(scrape_on, scrape_on, *[count] * 4)
    assert first == sorted(first)
    assert second == sorted(second)
    assert scrape()["/"] == 800_000


def test_promtool_finds_nothing_to_say(address, fetch, promtool):
    promtool(fetch(f"http://{address}/metrics"))


def test_a_prometheus_server_gets_every_count(address, requests, prometheus, eventually):
    query = prometheus(address)
    assert query("app_requests_total")["/about"] == str(2**53 - 1)
    requests.increment("/about")
    run_threads(*[lambda: [requests.increment("/") for _ in range(100_000)]] * 4)
    expected = {"/": "400000", "/about": str(2**53)}
    eventually(lambda: query("app_requests_total") == expected)
    assert query("resets(app_requests_total[1h])") == {"/": "0", "/about": "0"}


def test_the_program(example, served, eventually, fetch):
    address = served()
    assert eventually(lambda: 'app_requests_total{path="/about"}' in fetch(f"{address}/metrics"))
