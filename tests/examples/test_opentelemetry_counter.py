"""examples/opentelemetry_counter.py: two readers, one for totals and one for differences, both right."""

import json

import pytest

from fastcounter import FastWriteCounter
from helpers import run_threads

DELTA, CUMULATIVE = 1, 2  # in what OpenTelemetry exports


@pytest.fixture
def counter():
    return FastWriteCounter()


@pytest.fixture
def readers(example, counter):
    """Functions that collect from the counter: one the totals and one the differences."""
    from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
    from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader

    readers = [
        InMemoryMetricReader(preferred_temporality={ObservableCounter: temporality})
        for temporality in (AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA)
    ]
    provider = MeterProvider(readers)
    example.observe(provider, "requests", counter)

    def collect(reader):
        [resource] = reader.get_metrics_data().resource_metrics
        [scope] = resource.scope_metrics
        [metric] = scope.metrics
        assert metric.name == "requests"
        assert metric.data.is_monotonic
        [point] = metric.data.data_points
        return point.value

    yield [lambda reader=reader: collect(reader) for reader in readers]
    provider.shutdown()


def test_totals_and_differences(counter, readers):
    total, difference = readers
    counter.add(5)
    assert (total(), difference()) == (5, 5)
    counter.add(3)
    assert (total(), total(), difference()) == (8, 8, 3)
    assert (total(), difference()) == (8, 0)
    counter.add(2**53)
    assert (total(), difference()) == (2**53 + 8, 2**53)


def test_both_are_right_under_load(counter, readers):
    total, difference = readers

    def count():
        for _ in range(100_000):
            counter.increment()

    def collect(reader):
        return [reader() for _ in range(100)]

    totals, differences, *_ = run_threads(lambda: collect(total), lambda: collect(difference), *[count] * 4)
    assert totals == sorted(totals)
    assert min(differences) >= 0
    assert total() == 400_000
    assert sum(differences) + difference() == 400_000


def test_the_program(example, run):
    exported, decoder, output = [], json.JSONDecoder(), run().strip()
    while output:
        document, end = decoder.raw_decode(output)
        [metric] = document["resource_metrics"][0]["scope_metrics"][0]["metrics"]
        exported.append((metric["data"]["aggregation_temporality"], metric["data"]["data_points"][0]["value"]))
        output = output[end:].strip()
    totals, differences = ([value for kind, value in exported if kind == wanted] for wanted in (CUMULATIVE, DELTA))
    assert totals[:3] == [100, 200, 300]
    assert differences[:3] == [100, 100, 100]
    assert sum(differences) == 300
