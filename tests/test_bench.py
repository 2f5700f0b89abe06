"""Every benchmark runs, and results are shown."""

import os
import subprocess
import sys
import timeit
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # `bench` is not installed: it belongs to the checkout

from bench import suite  # noqa: E402


class OnceRunner:
    """Runs each benchmark once, without pyperf's processes."""

    def __init__(self, directory):
        self.args = types.SimpleNamespace(directory=directory)

    def timeit(self, name, stmt, setup, inner_loops, globals):
        assert timeit.Timer(stmt, setup, globals=globals).timeit(1) > 0

    def bench_time_func(self, name, function, *args, inner_loops, metadata=None):
        assert function(1, *args) > 0

    def bench_command(self, name, command):
        subprocess.run(command, check=True)


BENCHMARKS = suite.all_benchmarks(["itertools.count", "lock"])


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    directory = tmp_path_factory.mktemp("c_level")
    suite.build_c_level(directory)
    return OnceRunner(directory)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark(name, runner):
    losses = []
    BENCHMARKS[name].add_to(runner, lambda *loss: losses.append(loss))
    assert [loss[0] for loss in losses] == ([name] if name.startswith("threads") else [])


def test_a_lost_count_fails_the_run():
    class Losing:
        value = 0

        def increment(self):
            pass

    with pytest.raises(RuntimeError, match="200 of 200 increments were lost"):
        suite.Threaded("losing", Losing, 2).measure(1, print)
    losses = []
    suite.Threaded("losing", Losing, 2, may_lose=True).measure(1, lambda *loss: losses.append(loss))
    assert losses == [("losing", 200, 200)]


def bench(*args):
    result = subprocess.run(
        [sys.executable, "-m", "bench", *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = tmp_path_factory.mktemp("results") / "results.json"
    groups = ["floor", "increment", "creation", "memory", "import", "threads SingleThreadCounter original shared-2"]
    output = bench(*groups, "--processes=2", "--values=2", "--warmups=0", "--min-time=0.0001", "-o", str(path))
    assert "[pass 2/2" in output
    assert "SingleThreadCounter" in output
    return path


def test_results_are_pyperf_s(results):
    import pyperf

    loaded = pyperf.BenchmarkSuite.load(str(results))
    metadata = next(iter(loaded)).get_metadata()
    assert metadata["fastcounter_version"]
    assert metadata["gil"] in ("on", "off")
    assert not {"command", "hostname", "python_config_args", "python_executable"} & set(metadata)
    assert all(len(benchmark.get_values()) == 4 for benchmark in loaded)


@pytest.mark.parametrize("style", ["text", "markdown"])
def test_table(results, style):
    output = bench("table", str(results), str(results), "--format", style)
    for heading in ("Compiled / original", "floor", "Threads", "Memory", "Import"):
        assert heading in output
    assert output.count("±") > 20
    assert ("|---" in output) == (style == "markdown")


def test_plot(results, tmp_path):
    pytest.importorskip("matplotlib")
    bench("plot", str(results), str(results), "--directory", str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "operations.png",
        "operations.svg",
        "threads.png",
        "threads.svg",
    ]


def test_list_and_unknown_names():
    assert "increment FastReadCounter compiled medium" in bench("--list", "increment")
    result = subprocess.run([sys.executable, "-m", "bench", "no-such"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert "no benchmark or group is called 'no-such'" in result.stderr
