"""Export a counter through OpenTelemetry, to any number of readers: `python examples/opentelemetry_counter.py`."""

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
    """Have every reader of the provider read the counter when it collects."""

    def callback(options: CallbackOptions) -> Iterator[Observation]:
        # The whole count each time, also for readers that send the difference to their last: the SDK subtracts.
        # Each reader calls this; what one of them took away by reset() would be missing from all the others.
        yield Observation(counter.value())

    provider.get_meter("fastcounter").create_observable_counter(name, [callback], unit="1")


def main() -> None:
    # One reader that sends totals, as Prometheus wants them, and one that sends differences, as Datadog does.
    # OTLPMetricExporter takes the place of the console's in a real program.
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
