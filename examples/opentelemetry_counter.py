"""Export a counter to any number of OpenTelemetry readers: `python examples/opentelemetry_counter.py`."""

from collections.abc import Iterator

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ConsoleMetricExporter,
    PeriodicExportingMetricReader,
)

from fastcounter import FastWriteCounter


def observe(provider: MeterProvider, name: str, counter: FastWriteCounter) -> None:
    """Let each reader of the provider read the counter when it collects."""

    def callback(options: CallbackOptions) -> Iterator[Observation]:
        # Give the whole count each time, also to readers that send differences: the SDK subtracts.  Do not call reset()
        # here: each reader calls this function, and the others would miss what one of them took.
        yield Observation(counter.value())

    provider.get_meter("fastcounter").create_observable_counter(name, [callback], unit="1")


def main() -> None:
    # Make one reader that sends totals, for Prometheus, and one that sends differences, for Datadog.  A real program
    # uses OTLPMetricExporter instead of the console's.
    differences: dict[type, AggregationTemporality] = {ObservableCounter: AggregationTemporality.DELTA}
    totals_reader = PeriodicExportingMetricReader(ConsoleMetricExporter())
    differences_reader = PeriodicExportingMetricReader(ConsoleMetricExporter(preferred_temporality=differences))
    provider = MeterProvider([totals_reader, differences_reader])
    requests = FastWriteCounter()
    observe(provider, "requests", requests)
    for _ in range(3):
        requests.add(100)
        provider.force_flush()
    provider.shutdown()


if __name__ == "__main__":
    main()
