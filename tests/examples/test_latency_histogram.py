"""examples/latency_histogram.py: Prometheus and numpy agree about the latencies, and each scrape is consistent."""

import asyncio
import threading
import time
from bisect import bisect_left

import pytest

from fastcounter import FastWriteCounter
from helpers import run_threads

BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1]
MILLISECONDS = (1, 2, 4, 8, 16, 32, 64, 128)  # one for each bucket
LATENCIES = [milliseconds / 1000 for milliseconds in MILLISECONDS]
THREADS = 4


@pytest.fixture
def latency(example):
    return example.LatencyHistogram("app_latency_seconds", "Time that a job took.", BOUNDS)


@pytest.fixture
def address(latency, expose):
    return expose(latency)


@pytest.fixture
def scrape(latency):
    """The cumulative counts, the count and the sum in nanoseconds, as a scraper reads them."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.parser import text_string_to_metric_families

    registry = CollectorRegistry()
    registry.register(latency)

    def scraped():
        [family] = text_string_to_metric_families(generate_latest(registry).decode())
        assert (family.name, family.type) == ("app_latency_seconds", "histogram")
        *buckets, count, total = family.samples
        assert [float(bucket.labels["le"]) for bucket in buckets] == [*BOUNDS, float("inf")]
        assert (count.name, total.name) == ("app_latency_seconds_count", "app_latency_seconds_sum")
        return [bucket.value for bucket in buckets], count.value, round(total.value * 10**9)

    return scraped


def test_prometheus_and_numpy_agree(latency, address, prometheus, eventually, missing):
    try:
        import numpy
    except ModuleNotFoundError as error:
        missing(error.name)
    query = prometheus(address)
    latencies = numpy.random.default_rng(1).lognormal(numpy.log(4e6), 1, size=20_000).astype(int)
    parts = (latencies / 10**9).reshape(THREADS, -1).tolist()
    run_threads(*[lambda part=part: [*map(latency.observe, part)] for part in parts])
    eventually(lambda: query("app_latency_seconds_count") == {"": "20000"})
    assert query("app_latency_seconds_bucket")["+Inf"] == "20000"
    assert float(query("app_latency_seconds_sum")[""]) == int(latencies.sum()) / 10**9
    for quantile in (0.05, 0.25, 0.5, 0.75, 0.9, 0.99):
        [found] = query(f"histogram_quantile({quantile}, app_latency_seconds_bucket)").values()
        exact = numpy.quantile(latencies, quantile) / 1e9
        assert bisect_left(BOUNDS, float(found)) == bisect_left(BOUNDS, exact), quantile
    assert set(query("resets(app_latency_seconds_bucket[1h])").values()) == {"0"}


def check(scrapes):
    """Check that each scrape is consistent, and that no number is less than in the scrape before."""
    for cumulative, count, total in scrapes:
        assert count == cumulative[-1]
        in_buckets = [after - before for before, after in zip([0, *cumulative], cumulative, strict=False)]
        assert min(in_buckets) >= 0
        assert total >= sum(count * 10**6 * latency for count, latency in zip(in_buckets, MILLISECONDS, strict=True))
    for values in zip(*[[*cumulative, total] for cumulative, _, total in scrapes], strict=True):
        assert list(values) == sorted(values)


def test_a_scrape_at_each_step_of_observing(example, monkeypatch, request):
    scrapes = []

    class ScrapedCounter(FastWriteCounter):
        def increment(self):
            super().increment()
            scrapes.append(scrape())

        def add(self, amount):
            super().add(amount)
            scrapes.append(scrape())

    monkeypatch.setattr(example, "FastWriteCounter", ScrapedCounter)
    latency, scrape = request.getfixturevalue("latency"), request.getfixturevalue("scrape")
    for seconds in LATENCIES * 2:
        latency.observe(seconds)
    assert len(scrapes) >= 2 * len(LATENCIES) * 2
    check(scrapes)


def test_scrapes_while_threads_observe(latency, scrape):
    scraping = [True] * 2

    def scrape_on():
        scrapes = [scrape() for _ in range(500)]
        scraping.pop()
        return scrapes

    def observe():
        rounds = 0
        while scraping:
            for seconds in LATENCIES:
                latency.observe(seconds)
            rounds += 1
        return rounds

    *scraped, _, _, _, _ = results = run_threads(scrape_on, scrape_on, *[observe] * THREADS)
    for scrapes in scraped:
        assert scrapes[0] != scrapes[-1]
        check(scrapes)
    rounds = sum(results[2:])
    assert scrape() == (
        [rounds * n for n in range(1, len(LATENCIES) + 1)],
        rounds * len(LATENCIES),
        rounds * 10**6 * sum(MILLISECONDS),
    )


def test_a_bucket_includes_its_bound(latency, scrape):
    for seconds in (0.004_999_999, 0.005, 0.005_000_001):
        latency.observe(seconds)
    assert scrape()[0] == [0, 0, 2, 3, 3, 3, 3, 3]


def test_bounds_in_any_order(example):
    [family] = example.LatencyHistogram("app_latency_seconds", "", reversed(BOUNDS)).collect()
    assert [float(sample.labels["le"]) for sample in family.samples[:-2]] == [*BOUNDS, float("inf")]


def test_the_sum_is_exact(latency):
    for _ in range(10):
        latency.observe(0.1)
    [family] = latency.collect()
    assert family.samples[-1].value == 1  # ten times 0.1 as a sum of floats is less


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "0.1", None])
def test_what_is_no_latency_changes_nothing(latency, scrape, bad):
    latency.observe(0.1)
    before = scrape()
    with pytest.raises((TypeError, ValueError, OverflowError)):
        latency.observe(bad)
    assert scrape() == before


def test_context_manager(latency, scrape):
    with latency.time():
        time.sleep(0.02)
        with latency.time():  # in itself
            time.sleep(0.02)
    _, count, total = scrape()
    assert count == 2
    assert total >= (0.04 + 0.02) * 1e9


def test_decorator(latency, scrape):
    @latency.time()
    def factorial(n):
        """n!"""
        time.sleep(0.01)
        return n * factorial(n - 1) if n else 1

    assert (factorial.__name__, factorial.__doc__) == ("factorial", "n!")
    assert factorial(3) == 6
    _, count, total = scrape()
    assert count == 4
    assert total >= (0.04 + 0.03 + 0.02 + 0.01) * 1e9


def test_coroutines_have_times_of_their_own(latency, scrape):
    async def job():
        with latency.time():
            await asyncio.sleep(0.02)

    async def all_at_once():
        await asyncio.gather(*[job() for _ in range(10)])

    asyncio.run(all_at_once())
    _, count, total = scrape()
    assert count == 10
    assert total >= 10 * 0.02 * 1e9


async def coroutine():
    await asyncio.sleep(0.02)


def generator():
    yield


async def asynchronous_generator():
    yield


@pytest.mark.parametrize("function", [coroutine, generator, asynchronous_generator])
def test_as_a_decorator_it_refuses_what_a_call_does_not_run(latency, function):
    with pytest.raises(TypeError, match=f"{function.__name__} .* returns before its code runs: use `with` inside it"):
        latency.time()(function)


def test_threads_have_times_of_their_own(latency, scrape):
    started, end = threading.Event(), threading.Event()
    job = latency.time()(lambda wait: wait())

    def first():
        job(lambda: (started.set(), end.wait()))

    def second():
        started.wait()
        time.sleep(0.03)
        job(lambda: None)
        end.set()

    run_threads(first, second)
    _, count, total = scrape()
    assert count == 2
    assert total >= 0.03 * 1e9


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_fails_is_timed(latency, scrape, error):
    @latency.time()
    def fail():
        raise error

    with pytest.raises(error):
        fail()
    with pytest.raises(error), latency.time():
        raise error
    assert scrape()[1] == 2


def test_promtool_finds_nothing_to_say(latency, address, fetch, promtool):
    latency.observe(0.1)
    promtool(fetch(f"http://{address}/metrics"))


def test_the_program(example, served, eventually, fetch):
    address = served()
    assert eventually(lambda: 'app_latency_seconds_bucket{le="0.0025"}' in fetch(f"{address}/metrics"))
