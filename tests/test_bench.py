"""The benchmark's statistics, on numbers whose answer is known, and that all of it runs."""

import contextlib
import math
import os
import random
import re
import runpy
import signal
import statistics
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

psutil = pytest.importorskip("psutil", exc_type=ImportError)  # it does not load under Wine
pyperf = pytest.importorskip("pyperf")

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # `bench` is not installed: it belongs to the checkout

from bench import __main__, blocks, report, run, table  # noqa: E402
from bench.blocks import Statement  # noqa: E402
from bench.concurrent import Concurrent, NotAtOnce, Resets, Work  # noqa: E402
from bench.estimate import FEWEST_PROCESSES, of_processes  # noqa: E402
from bench.groups import GROUPS  # noqa: E402
from bench.groups.threads import NUMBERS  # noqa: E402
from bench.measure import measure  # noqa: E402
from bench.results import Results, from_reports, load  # noqa: E402
from helpers import quick_compiler  # noqa: E402

pytestmark = pytest.mark.bench

COMMITTED = sorted((ROOT / "bench" / "results").glob("cpython-*"))


def bench(*arguments, status=0, **environment):
    """The output and the errors of `python -m bench`."""
    result = subprocess.run(
        [sys.executable, "-m", "bench", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert result.returncode == status, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout, result.stderr


@pytest.fixture
def bench_here(capsys):
    """The same in this process, which takes less time, for commands that start no processes."""

    def call(*arguments, status=0):
        try:
            __main__.main([*map(str, arguments)])
            code = 0
        except SystemExit as exit:
            code = exit.code
            if isinstance(code, str):  # the interpreter prints such a message, and exits with 1
                print(code, file=sys.stderr)
                code = 1
        output, errors = capsys.readouterr()
        assert code == status, output + errors
        return output, errors

    return call


# ---- Estimates ----


def test_estimate_of_known_numbers():
    assert of_processes([3, 1, 2, 6, 5, 4]) == (3.5, 1, 6)
    assert of_processes(range(1, 13)) == (6.5, 3, 10)
    assert of_processes(range(1, 21)) == (10.5, 6, 15)
    assert of_processes([2.0]) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("number", range(FEWEST_PROCESSES, 60))
def test_interval_is_the_narrowest_that_is_sure_enough(number):
    _, low, high = of_processes(range(number))
    left_out = low
    assert high == number - 1 - left_out

    def confidence(left_out):
        return 1 - 2 * sum(math.comb(number, below) for below in range(left_out + 1)) / 2**number

    assert confidence(left_out) >= 0.95 > confidence(left_out + 1)


def test_range_of_too_few_processes_is_not_sure_enough():
    assert 1 - 2 / 2 ** (FEWEST_PROCESSES - 1) < 0.95 <= 1 - 2 / 2**FEWEST_PROCESSES


def test_an_odd_process_is_admitted_but_moves_nothing():
    usual = [0.998, 0.999, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.001, 1.002, 1.003]
    assert of_processes([*usual, 1.79]).value == of_processes([*usual, 1.003]).value == 1.0
    assert of_processes([*usual, 1.79, 1.8, 1.81]).high == 1.79


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        ((1.184, 1.1, 1.249), "1.18 [1.10, 1.25]"),
        ((9.996, 9, 11), "10.0 [9.0, 11.0]"),
        ((105.4, 99, 120), "105 [99, 120]"),
    ],
)
def test_estimate_as_text(estimate, text):
    assert str(type(of_processes([1]))(*estimate)) == text


# ---- Whether intervals hold the truth as often as they say, with the noise of a shared machine ----

ROUNDS, PROCESSES = 40, 12


def simulated(random, ratio):
    """What a process gives for a contender that takes `ratio` times another: noise, slow spells and its own layout."""

    def noise(deviation):
        return math.exp(random.gauss(0, deviation))

    layout = [noise(0.01), noise(0.01)]
    if random.random() < 0.05:  # an odd process
        layout[random.randrange(2)] *= 1.8
    ratios, slow = [], False
    for _ in range(ROUNDS):
        pair = [ratio * layout[0], layout[1]]
        for turn in (0, 1) if random.random() < 0.5 else (1, 0):
            slow = random.random() < (0.9 if slow else 0.03)
            pair[turn] *= noise(0.03) * (1.7 if slow else 1)
        ratios.append(pair[0] / pair[1])
    return statistics.median(ratios)


def test_at_least_93_of_100_intervals_hold_the_truth():
    source = random.Random(20130601)
    held = changes_held = 0
    previous = None
    for _ in range(1000):
        estimate = of_processes([simulated(source, 1.17) for _ in range(PROCESSES)])
        held += estimate.low <= 1.17 <= estimate.high
        if previous:
            change = estimate.over(previous)
            changes_held += change.low <= 1 <= change.high
        previous = estimate
    assert held >= 930
    assert changes_held >= 930


def test_a_slow_down_of_5_percent_is_found_in_9_of_10_runs():
    source = random.Random(5)
    found = sum(of_processes([simulated(source, 1.05) for _ in range(PROCESSES)]).low > 1 for _ in range(100))
    assert found >= 90


# ---- Ratios from files ----


NAME = "increment FastReadCounter compiled medium"


def made_up(factors, name=NAME, group="article", rounds=3, floor="floor call", python="3.14.0", jit="off", **more):
    """Results of as many processes, in which the floor took 10, 20, 30 ns and the named one so many times that."""
    facts = {"ours": True, "floor": floor, **more} if floor else {"ours": True, **more}
    reports = [
        {
            "benchmarks": {
                name: ([factor * 1e-8 * (n + 1) for n in range(rounds)], facts),
                "floor call": ([1e-8 * (n + 1) for n in range(rounds)], {"ours": False}),
            },
            "metadata": {"process": process, "group": group, "date": "2030-01-01 00:00:00", "gil": "on", "jit": jit},
        }
        for process, factor in enumerate(factors)
    ]
    metadata = {"python_version": f"{python} (64-bit)", "cpu_count": 2, "fastcounter_version": "2.0.0"}
    return from_reports(metadata, reports)


def test_ratio_is_the_median_within_rounds(tmp_path):
    path = tmp_path / "made-up.json.gz"
    made_up([1.1, 1.2, 1.3]).suite.dump(str(path))
    results = load(path)
    assert results.ratios(NAME, "floor call") == pytest.approx([1.1, 1.2, 1.3])
    assert results.ratios(NAME, "floor call", "floor call") == pytest.approx([0.55, 0.6, 0.65])
    assert results.ratios(NAME, "floor slot") == []
    assert results.time(NAME) == pytest.approx((2.4e-8, 2.2e-8, 2.6e-8))
    assert results.of("sizes").runs == {}


def test_compare(tmp_path, bench_here):
    old, new, slower = (tmp_path / f"{name}.json" for name in ("old", "new", "slower"))
    factors = [1.1 + 0.001 * n for n in range(12)]
    made_up(factors).suite.dump(str(old))
    made_up([factor * 1.001 for factor in factors]).suite.dump(str(new))
    made_up([factor * 1.1 for factor in factors]).suite.dump(str(slower))
    assert "slower" not in bench_here("compare", old, new, "--fail-above", 5)[0]
    output, _ = bench_here("compare", old, slower, "--fail-above", 20)
    assert "1.10 [1.09, 1.11]" in output
    assert "slower" in output
    assert "slower: increment FastReadCounter" in bench_here("compare", old, slower, "--fail-above", 5, status=1)[1]
    assert "faster" in bench_here("compare", slower, old, "--fail-above", 5)[0]


def test_compare_shows_all_that_is_ours_whatever_its_name(tmp_path, bench_here):
    old, new, other = (tmp_path / f"{name}.json" for name in ("old", "new", "other"))
    made_up([1.1] * 6, name="any name", floor="").suite.dump(str(old))
    made_up([2.2] * 6, name="any name", floor="").suite.dump(str(new))
    made_up([1.1] * 6, name="another name").suite.dump(str(other))
    output, _ = bench_here("compare", old, new, "--fail-above", 5)  # what has no floor depends on the machine
    assert re.split("  +", output.splitlines()[-1]) == [
        "article", "any name", "22.0 ns", "44.0 ns", "2.00 [2.00, 2.00]", "slower"
    ]  # fmt: skip
    both = made_up([1.1] * 6)
    both.suite.add_benchmark(load(other).suite.get_benchmark("another name"))
    both.suite.dump(str(new), replace=True)
    made_up([1.1] * 6).suite.dump(str(old), replace=True)
    assert "Not in both files, or in too few processes: another name." in bench_here("compare", old, new)[0]


def test_a_row_compares_with_the_benchmark_that_it_names_or_else_with_the_floor():
    (named,) = [row for row in GROUPS["labels"].rows if row.label == "a dict and a lock"]
    assert named.ratios == (("labels dict-and-lock", "labels CounterMap compiled"),)
    (of_floor,) = [row for row in GROUPS["methods"].rows if row.label == "add and reset, FastReadCounter"]
    assert of_floor.ratios == (("add+reset FastReadCounter compiled medium", "floor call", "floor call"),)


# ---- What is measured ----


def test_a_slowed_statement_is_done_more_often_than_it_is_counted():
    done = []
    blocks.done = done
    block = Statement("done.append(1)", "0", "from bench.blocks import done", slower=5)
    block.measure(10)
    assert (len(done), block.operations) == (2100, 200)


def test_a_fresh_counter_stays_small():
    block = Statement("counter.increment()", "made()", SEEN, fresh=True)
    block.measure(3)
    assert [counter.value for counter in blocks.seen] == [200] * 3


SEEN = """
from bench import blocks
blocks.seen = []
def made():
    blocks.seen.append(fastcounter.FastReadCounter())
    return blocks.seen[-1]
"""

SEEN_THREADS = """
import threading
class Seen:
    def __init__(self):
        self.threads = []
    value = property(lambda self: len(self.threads))
    def increment(self):
        self.threads.append(threading.current_thread())
"""

LOSING = """
class Losing:
    value = 0
    def increment(self): pass
"""


def test_lost_counts_are_counted_or_an_error():
    with pytest.raises(RuntimeError, match="400 of 400 increments of Losing\\(\\) were lost"):
        Concurrent("counter.increment()", "Losing()", 2, setup=LOSING).round(0)
    block = Concurrent("counter.increment()", "Losing()", 2, setup=LOSING, may_lose=True)
    block.round(0)
    assert block.metadata["lost_counts"] == block.metadata["counted"] == 400


@pytest.mark.parametrize("way", ["local", "global", "attribute", "own"])
def test_workers_count_what_they_say(way):
    block = Concurrent("counter.increment()", "fastcounter.FastReadCounter()", 3, way, reader="counter.value")
    *writers, _reader = block.round(0.001)
    assert len(block.apps) == (3 if way == "own" else 1)
    assert block.count() == block.metadata["counted"] == 200 * sum(each.loops for each in writers)
    assert all(each.end > each.start and each.processor >= 0 for each in writers)


@pytest.mark.parametrize("way", ["local", "own-label", "all-labels"])
def test_workers_count_labels_of_one_map(way):
    code = "counter.increment(label)" if way != "all-labels" else "counter.update('ab')"
    block = Concurrent(code, "fastcounter.CounterMap()", 2, way, in_c=2 if way == "all-labels" else 1)
    work = block.round(0.001)
    assert block.count() == block.metadata["counted"] == block.operations * sum(each.loops for each in work)
    labels = {"local": {"/"}, "own-label": {"/0", "/1"}, "all-labels": {"a", "b"}}[way]
    assert set(block.apps[0].requests) == labels


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_resets_take_what_threads_count(threads):
    assert 0 < Resets("fastcounter.CounterMap()", threads).time() < 1


def test_a_reset_that_loses_a_count_is_an_error():
    block = Resets("fastcounter.CounterMap()", 1)
    counts = block.make()
    block.make = lambda: counts
    counts.add("/", -1)
    with pytest.raises(RuntimeError, match=r"1 of \d+ increments were lost"):
        block.measure(1)


def test_threads_between_the_workers_run_before_the_next_one_starts():
    block = Concurrent("counter.increment()", "Seen()", 2, setup=SEEN_THREADS, between=3)
    threads = list(dict.fromkeys(block.apps[0].requests.threads))
    assert len(threads) == 2 * (1 + 3)
    block.round(0)
    assert set(block.apps[0].requests.threads[-400:]) == {threads[0], threads[4]}


def workers(*spans, **more):
    """What workers report that had a processor for so long from when they started; each is given as three numbers."""
    return [Work(start, end, processor, more.get("queued", 0), loops=1) for start, end, processor in spans]


@pytest.mark.parametrize(
    ("work", "counts"),
    [
        (workers((0, 10, 10), (0.5, 10, 9.5)), True),
        (workers((0, 10, 10), (5, 10, 5)), False),  # started late
        (workers((0, 5, 5), (5, 10, 5)), False),  # one after another
        (workers((0, 10, 10), (0, 10, 5)), False),  # had to share its processor
        (workers((0, 10, 5), (5, 10, 5), (0, 10, 9)), True),  # three, and both processors were theirs
        (workers((0, 10, 5), (5, 10, 5), (0, 10, 5)), False),  # and were not
    ],
)
def test_a_round_counts_only_if_all_ran_at_the_same_time(work, counts):
    block = Concurrent("counter.increment()", "fastcounter.FastReadCounter()", len(work))
    block.processors = 2
    assert block.at_once(work) == counts


def test_a_worker_that_waits_for_a_lock_needs_no_processor():
    block = Concurrent("counter.increment()", "fastcounter.FastReadCounter()", 2, waits=True)
    block.processors = 2
    assert block.at_once(workers((0, 10, 3), (0, 10, 4)))
    assert not block.at_once(workers((0, 10, 3), (0, 10, 4), queued=2))
    assert not block.at_once(workers((0, 10, 3), (5, 10, 3)))


def test_a_round_that_does_not_count_is_repeated_but_not_for_ever(monkeypatch):
    block = Concurrent("counter.increment()", "fastcounter.FastReadCounter()", 2)
    block.calibrate(0)
    answers = iter([False, False, True])
    monkeypatch.setattr(block, "at_once", lambda work: next(answers))
    assert block.time() > 0
    assert (block.metadata["rounds"], block.metadata["rounds_left_out"]) == (3, 2)
    monkeypatch.setattr(block, "at_once", lambda work: False)
    with pytest.raises(NotAtOnce):
        block.time()
    assert block.metadata["rounds_left_out"] == 2 + block.tries


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no such system call")
@pytest.mark.parametrize("forked", [False, True])
def test_on_one_processor_workers_do_not_run_at_the_same_time(forked):
    """So it is when the scheduler puts them there, or when another program has the other processor."""
    processors = os.sched_getaffinity(0)
    if len(processors) < 2:
        pytest.skip("needs two processors")
    how = {"forked": forked, "releases_gil": True, "setup": "from os import fork" if forked else ""}
    os.sched_setaffinity(0, {min(processors)})
    try:
        block = Concurrent("counter.increment()", "fastcounter.SharedCounter(memory)", 2, **how)
    finally:
        os.sched_setaffinity(0, processors)
    block.processors = 2
    assert not any(block.at_once(block.round(0.005)) for _ in range(20))


def test_what_never_counts_is_left_out_and_its_cell_says_so():
    class Never(blocks.Block):
        def calibrate(self, seconds):
            pass

        def time(self):
            raise NotAtOnce

    reports = []
    for process in range(6):
        report = measure({"never": Never, "once": lambda: Constant(1e-8)}, rounds=2, seconds=0, seed=1)
        assert report["given_up"] == ["never"]
        if process < 2:
            report["benchmarks"]["never"] = report["benchmarks"]["once"]
        report["metadata"] = {"process": process, "group": "made up", "gil": "on"}
        reports.append(report)
    results = from_reports({"python_version": "3.14.0", "cpu_count": 2, "fastcounter_version": "2.0.0"}, reports)
    assert results.processes == 6
    assert results.time("once")
    assert results.time("never") is None  # too few processes have it


def test_what_is_given_up_or_loses_counts_is_said_in_the_words_of_the_page():
    threads, processes = GROUPS["threads"], GROUPS["processes"]
    eight = [name for name in threads.benchmarks if name.endswith("-8")]
    assert table.in_words(threads, eight, measured=()) == "8 threads (all rows)"
    some = ["threads cereggii attribute-4", "threads CounterMap compiled own-4", *eight[1:]]
    assert table.in_words(threads, some, threads.benchmarks) == (
        "4 threads (cereggii, attribute; CounterMap, own); 8 threads (all rows but FastWriteCounter, local)"
    )
    two = ["processes multiprocessing.Value one-2", "processes SharedCounter compiled one-2"]
    assert table.in_words(processes, two, processes.benchmarks) == (
        "one SharedCounter, 2 processes; what is compared with one SharedCounter, 2 processes"
    )
    lossy = made_up([1.0] * 6, name="threads cereggii attribute-4", group="threads", lost_counts=1, counted=8)
    assert table.rounds_left_out(threads, [lossy]) == "Counts lost: 4 threads (cereggii, attribute): 12.5% on 3.14."


class Constant(blocks.Block):
    def __init__(self, seconds, done=lambda: None):
        super().__init__()
        self.seconds, self.done = seconds, done

    def calibrate(self, seconds):
        pass

    def measure(self, loops):
        self.done()
        return self.seconds


def test_calibration_makes_a_block_last_as_long_as_it_should():
    class Sleep(blocks.Block):
        def measure(self, loops):
            return 1e-6 * loops

    block = Sleep()
    block.calibrate(0.000_3)
    assert block.loops == 300


def test_bytes_are_counted_once_a_round():
    numbers = iter([1, 6400, 6464])
    block = blocks.Bytes(lambda: next(numbers))
    block.calibrate(1)
    assert [block.time(), block.time()] == [6400, 6464]
    assert block.metadata["unit"] == "byte"


def test_rounds_are_shuffled_and_complete():
    order = []

    def benchmark(name):
        return lambda: Constant(1e-9, lambda: order.append(name))

    report = measure({name: benchmark(name) for name in "abc"}, rounds=20, seconds=0, seed=1)
    rounds = ["".join(order[at : at + 3]) for at in range(6, 66, 3)]
    assert {"".join(sorted(each)) for each in rounds} == {"abc"}
    assert len(set(rounds)) > 3
    assert report["benchmarks"]["a"][0] == [1e-9] * 20


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A file with one round of everything."""
    path = tmp_path_factory.mktemp("bench") / "all.json.gz"
    # With the GIL a hundred tries are in vain: it takes too long until each of many threads has had it.
    short = ["--processes=1", "--rounds=1", "--tries=1", f"--extensions={path.parent}"]
    output, errors = bench(*GROUPS, *short, "-o", path, **quick_compiler())
    assert "1.00 [1.00, 1.00]" in output
    assert all(re.match(rf"Left out: |[^:]+\. {table.GIVEN_UP}: ", line) for line in errors.splitlines())
    assert not [name for group in GROUPS.values() for name in group.benchmarks if name in errors]
    return path


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_each_contender_is_measured_and_shown_on_a_screen(everything, group):
    results = load(everything).of(group.name)
    missing = set(group.benchmarks) - set(results.runs)
    # Peers that are not installed, and what did not run at the same time on a machine that does other things as well.
    some_missing = ("peers", "threads", "map-threads", "processes", "c-level", "exporters", "shared-map")
    assert group.name in some_missing or not missing
    lines = f"{group.title}\n\n{table.screen(group, results)}".splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 120


def test_names_are_as_they_were(everything):
    names = set(load(everything).runs)
    assert {"increment FastReadCounter compiled medium", "value FastWriteCounter original medium"} <= names
    assert {"memory FastReadCounter original", "floor call"} <= names
    assert "threads FastWriteCounter compiled own-1" in GROUPS["threads"].benchmarks  # may have been given up here


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_results_say_which_benchmarks_are_ours_and_what_their_floor_is(everything, group):
    results = load(everything).of(group.name)
    ours = results.ours()
    named = {name for name in results.runs if " compiled" in name}
    others = {"same-code", "import fastcounter", "compat", "Labels", "dict of FastReadCounters"}
    assert named <= set(ours)
    assert all(any(part in name for part in others) for name in set(ours) - named)
    assert {name for floor in ours.values() for name in floor} <= set(group.benchmarks)


def test_file_is_pyperf_s_and_holds_nothing_private(everything):
    for command in (["stats"], ["check"], ["hist"], ["metadata"], ["compare_to", everything]):
        arguments = [sys.executable, "-m", "pyperf", command[0], everything, *command[1:]]
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
    assert_nothing_private(everything)


def assert_nothing_private(path):
    metadata = [run.get_metadata() for each in pyperf.BenchmarkSuite.load(str(path)) for run in each.get_runs()]
    private = {"command", "hostname", "python_executable", "python_config_args"}
    assert not any(private & set(each) for each in metadata)
    assert not any(str(ROOT) in str(each) for each in metadata)


def test_default_is_one_screen(tmp_path, everything):
    path = tmp_path / "article.json"
    short = ["--processes=6", "--rounds=2", f"--extensions={everything.parent}"]
    output, errors = bench(*short, "-o", path, COLUMNS="300")
    lines = output.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 110
    assert errors == ""
    assert lines[0].startswith(f"CPython {sys.version.split()[0]}")
    assert [line.split(":")[0] for line in lines[-3:]] == ["The floor", "Noise", "More"]
    assert bench("table", path)[0] == output


def test_progress_is_one_line_on_a_terminal():
    pty, termios, fcntl = (pytest.importorskip(name) for name in ("pty", "termios", "fcntl"))
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "bench", "aa", "--processes", "2", "--rounds", "1"]
    subprocess.run(command, cwd=ROOT, stderr=follower, stdout=subprocess.DEVNULL, check=True)
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):  # at the end
        while part := os.read(leader, 100_000):
            shown += part
    os.close(leader)
    shown = shown.decode()
    assert "compiling floor: " in shown
    assert "aa: " in shown
    assert "2/2" in shown
    assert shown.count("\n") == 0


# ---- The plain pyperf script ----


SCRIPT = ROOT / "bench" / "article.py"
SHORT = ("--processes=1", "--values=2", "--warmups=0", "--loops=1")


def script_shows(text, *options):
    """Whether the script prints this.  It is ended then, as the other benchmarks would take as long again, each."""
    command = [sys.executable, "-u", SCRIPT, *SHORT, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as script:
        shown = any(text in line for line in script.stdout)
        script.terminate()
    return shown


@pytest.fixture
def asked(monkeypatch):
    """Run the script with these options, and return pyperf's options and what the script asks pyperf to time."""

    def run(*options):
        timed = {}

        def timeit(runner, name, code, setup, **how):
            timed[name] = code, setup
            timed["options"] = runner.parse_args()

        monkeypatch.setattr(pyperf.Runner, "timeit", timeit)
        monkeypatch.setattr(pyperf.Runner, "_created", set())  # there may be only one in a process
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *options])
        monkeypatch.setattr(sys, "path", [*sys.path])
        runpy.run_path(str(SCRIPT), run_name="__main__")
        return timed.pop("options"), timed

    return run


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """A file that the script has written."""
    path = tmp_path_factory.mktemp("script") / "article.json"
    subprocess.run([sys.executable, SCRIPT, *SHORT, "-o", path], check=True, stdout=subprocess.DEVNULL)
    return path


def test_script_has_the_names_and_the_code_of_the_group(asked):
    _, timed = asked()
    group = GROUPS["article"].benchmarks
    assert set(timed) == {name for name in group if name.startswith(("increment ", "value "))}
    for name, (code, setup) in timed.items():
        assert code == group[name].args[0]
        assert setup.endswith(f"\ncounter = {group[name].args[1]}")


def test_script_takes_pyperf_s_options_for_more_and_less_exact_results(asked):
    fast, usual, rigorous = (asked(*option)[0].processes for option in (["--fast"], [], ["--rigorous"]))
    assert 2 < fast < usual < rigorous
    assert asked("--processes=2")[0].processes == 2


def test_script_takes_other_options_of_pyperf():
    assert script_shows("-> [other] ", "--compare-to", sys.executable, "--python-names=this:other")
    affinity = ["--affinity=0"] if hasattr(psutil.Process, "cpu_affinity") else []  # macOS has none
    assert script_shows("increment SingleThreadCounter compiled medium: ", "--debug-single-value", *affinity)


def test_pyperf_s_commands_take_the_script_s_file(script):
    for command in (["stats"], ["hist"], ["check"], ["compare_to", script]):
        arguments = [sys.executable, "-m", "pyperf", command[0], script, *command[1:]]
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)


def test_the_script_s_file_has_no_group(script, bench_here):
    assert "cannot be read as results of `python -m bench`: 'group'" in bench_here("table", script, status=1)[1]


# ---- Interruptions ----


def started_by(process, number):
    """The processes that it and they have started, once so many of its own have started others."""
    seen, parents = set(), set()
    while not seen or len(parents - {process.pid}) < number:
        assert process.poll() is None
        for each in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                parents.add(each.ppid())
            seen.add(each)
        time.sleep(0.05)  # looking takes a processor, which those that measure need
    return seen


def runs(process):
    """Whether it has not ended.  The system may take seconds to forget one whose parent has ended before it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def interrupt(folder, number, group, *options):
    """Start to measure a group, interrupt that by a signal, and look at what it says and leaves."""
    path, temporary = folder / "results.json", folder / "tmp"
    temporary.mkdir(parents=True)
    command = [sys.executable, "-m", "bench", group, "--rounds=1", "--processes=500", "-o", str(path), *options]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        # At once, when it compiles; or while a second process measures.
        seen = started_by(process, 0 if group == "article" else 2)
        process.send_signal(number)
        try:
            output, errors = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            for each in (process, *seen):
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
            raise
    assert process.returncode == 128 + number
    assert f"Interrupted by {number.name}." in errors
    assert "Traceback" not in errors
    deadline = time.monotonic() + 5
    while any(map(runs, seen)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert list(temporary.iterdir()) == []
    if group == "article":
        assert "Nothing was measured." in errors
        assert not path.exists()
    elif path.exists() or "Given up" not in errors:  # a busy machine may have run no processes at once
        assert GROUPS[group].title in output
        assert [*load(path).groups] == [group]


@pytest.mark.skipif(os.name == "nt", reason="no such signals")
@pytest.mark.parametrize("group", ["creation", "processes", "article"])
def test_interrupted(tmp_path, everything, group):
    # Of what a busy machine does not run at once, thirty tries are enough here; and creation need not compile again.
    options = {"processes": ["--tries=30"], "creation": [f"--extensions={everything.parent}"]}.get(group, [])
    at_once = 1 if group == "processes" else 2  # two of these would keep each other's processes from running at once
    with ThreadPoolExecutor(at_once) as pool:
        interrupted = [
            pool.submit(interrupt, tmp_path / number.name, number, group, *options)
            for number in (signal.SIGINT, signal.SIGTERM)
        ]
    for each in interrupted:
        each.result()


# ---- Files that are not as they should be ----


def foreign(path):
    pyperf.BenchmarkSuite([pyperf.Benchmark([pyperf.Run([1.0], metadata={"name": "foreign"})])]).dump(str(path))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("missing.json", lambda path: None),
        ("corrupt.json", lambda path: path.write_text('{"version": "1.0", "benchm')),
        ("corrupt.json.gz", lambda path: path.write_bytes(b"\x1f\x8b\x08corrupt")),
        ("list.json", lambda path: path.write_text("[]")),
        ("binary.json", lambda path: path.write_bytes(bytes(range(256)))),
        ("directory.json", Path.mkdir),
        ("foreign.json", foreign),
    ],
)
def test_a_bad_file_is_told_in_a_sentence(tmp_path, bench_here, name, make):
    path = tmp_path / name
    make(path)
    for command in (["table", path], ["compare", path, path], ["report", path, "--directory", tmp_path]):
        output, errors = bench_here(*command, status=1)
        assert output == ""
        assert errors.count("\n") == 1
        assert name in errors


@pytest.mark.parametrize("name", ["no-such-directory/results.json", "exists.json", "."])
def test_output_that_cannot_be_written_is_found_out_first(tmp_path, bench_here, name):
    (tmp_path / "exists.json").write_text("precious")
    assert "cannot be written" in bench_here("-o", tmp_path / name, status=1)[1]
    assert (tmp_path / "exists.json").read_text() == "precious"


def test_nothing_in_common(tmp_path, bench_here):
    made_up([1]).suite.dump(str(tmp_path / "one.json"))
    made_up([1], group="sizes").suite.dump(str(tmp_path / "two.json"))
    assert (
        "nothing of fastcounter's in common"
        in bench_here("compare", tmp_path / "one.json", tmp_path / "two.json", status=1)[1]
    )


@pytest.mark.parametrize("command", [[], ["table"], ["compare"], ["report"]])
def test_help(bench_here, command):
    assert "usage: python -m bench" in bench_here(*command, "--help")[0]


def test_help_says_what_each_group_measures(bench_here):
    output, _ = bench_here("--help")
    assert all(re.search(f"^  {group.name} +{re.escape(group.title)}", output, re.M) for group in GROUPS.values())
    assert max(map(len, output.splitlines())) <= 100


def test_how_long_is_said_if_it_is_long(bench_here):
    threads, labels = GROUPS["threads"], GROUPS["labels"]
    assert table.how_long([threads], 12) == "about 9 minutes"
    assert table.how_long([threads, labels], 12, rounds=2 * threads.rounds) == "about 18 minutes"
    assert table.how_long([threads], 30, rounds=1) == "about 1 minute"
    assert table.how_long([labels], 12) == ""
    output, _ = bench_here("--help")
    assert f"{threads.title} (about 9 minutes)" in output
    assert f"{labels.title}\n" in output


def test_unknown_group(bench_here):
    assert "no group is called no-such" in bench_here("no-such", status=2)[1]


def test_without_matplotlib(tmp_path, everything):
    (tmp_path / "matplotlib.py").write_text("raise ModuleNotFoundError('No module named matplotlib')")
    errors = bench("report", everything, "--directory", tmp_path, status=1, PYTHONPATH=str(tmp_path))[1]
    assert "No module named matplotlib" in errors
    assert not (tmp_path / "README.md").exists()


class Arguments:
    command = "article"


def test_commit_is_of_this_repository_or_none(tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    copy.mkdir()
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.setattr(run, "ROOT", copy)
    assert "fastcounter_commit" not in run.metadata(Arguments)
    monkeypatch.setenv("PATH", "")
    assert "fastcounter_commit" not in run.metadata(Arguments)


# ---- The report ----


def test_report(tmp_path, everything):
    pytest.importorskip("matplotlib")
    bench("report", everything, everything, "--directory", tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    missing = {group.name for group in GROUPS.values() if f"**{group.title}.** {group.sentence}" not in text}
    assert missing <= {"threads", "processes", "c-level"}  # if a busy machine ran nothing at the same time
    assert len(text.splitlines()) <= 300  # and a line more for each further Python
    pictures = {path.name for path in tmp_path.iterdir()} - {"README.md"}
    assert pictures in ({"operations.svg"}, {"threads.svg"})
    assert all(f"]({name})" in text for name in pictures)


def headings(text, first):
    line = next(line for line in text.splitlines() if line.startswith(f"| {first} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_page_has_a_column_for_each_python_and_an_interval_where_it_is_wide(everything):
    results = [load(everything) for _ in range(4)]
    for each, (python, has_gil) in zip(results, [("3.13", 0), ("3.14", 0), ("3.11", 1), ("3.15", 1)], strict=True):
        each.has_gil, each.short, each.version = bool(has_gil), python + "t" * (not has_gil), (3, int(python[2:]))
        each.of = lambda group, each=each: each  # so that the group's results are of this Python too
    text = report.page(report.in_order(results))
    pythons = ["3.11", "3.15", "3.14t"]
    assert headings(text, "times faster") == ["times faster", "compiled, 3.15", *pythons]
    assert headings(text, "other / fastcounter") == ["other / fastcounter", "fastcounter, 3.15", *pythons]
    columns = [*GROUPS["threads"].times, *(f"2 threads, {python}" for python in ("3.11", "3.15", "3.13t"))]
    shown = headings(text, "ns, 3.14t")
    left_out = [column for column in columns if column not in shown]  # this machine may not run eight threads at once
    assert shown == ["ns, 3.14t", *(column for column in columns if column in shown)]
    assert all(re.search(f"no row has a figure: .*{column}", text) for column in left_out)


def test_a_column_without_a_figure_is_left_out_and_named_once():
    body = [["a", "1", "-", "-", ""], ["b", "2", "", "3", ""]]
    assert table.figures(["", "1 thread", "8 threads", "3.14", "9 and a reader"], body, "github").splitlines() == [
        "|    | 1 thread   | 3.14   |",
        "|----|------------|--------|",
        "| a  | 1          | -      |",
        "| b  | 2          | 3      |",
        "",
        "Left out, because no row has a figure: 8 threads, 9 and a reader.",
    ]
    assert table.figures(["", "time"], [["a", "1"]], "github") == table.markup(["", "time"], [["a", "1"]], "github")
    assert table.figures(["", "time"], [], "github") is None


def test_the_jit_has_a_column_of_its_own_beside_what_was_measured_with_it():
    results = [
        made_up([1.5] * 6, python="3.15.2", jit="on"),
        made_up([1.2] * 6, python="3.15.2"),
        made_up([1.1] * 6, python="3.14.0"),
        *(made_up([1.3] * 6, group="methods", python=python) for python in ("3.15.2", "3.14.0")),
    ]
    text = report.page(report.in_order(results))
    assert headings(text, "times the floor") == ["times the floor", "compiled, 3.15", "3.14", "3.15", "3.15 JIT"]
    row = next(line for line in text.splitlines() if line.startswith("| increment, FastReadCounter"))
    assert [cell.strip() for cell in row.strip("|").split("|")[1:]] == ["24.0 ns", "1.10", "1.20", "1.50"]
    assert "| 3.15.2 JIT " in text
    assert report.pictures(report.in_order(results))["operations"].short == "3.15"


def test_committed_page_is_what_the_committed_results_give():
    page = ROOT / "bench" / "README.md"
    assert page.exists() == bool(COMMITTED)
    if COMMITTED:
        all_results = report.in_order(map(load, COMMITTED))
        assert page.read_text(encoding="utf-8") == report.page(all_results)
        assert all((page.parent / f"{name}.svg").exists() for name in report.pictures(all_results))


def texts(picture):
    """The texts in a chart, which has their letters as curves."""
    return re.findall("<!-- (.*) -->", picture.read_text(encoding="utf-8"))


@pytest.mark.skipif(not COMMITTED, reason="there are no results")
def test_committed_charts_are_what_the_committed_results_give(tmp_path):
    pytest.importorskip("matplotlib")
    found = report.pictures(report.in_order(map(load, COMMITTED)))
    for again in ("one", "two"):
        (tmp_path / again).mkdir()
        report.draw(found, tmp_path / again)
    for name in found:
        drawn = tmp_path / "one" / f"{name}.svg"
        assert drawn.read_bytes() == (tmp_path / "two" / f"{name}.svg").read_bytes()
        assert texts(drawn) == texts(ROOT / "bench" / f"{name}.svg")  # another matplotlib may draw them elsewhere


@pytest.mark.parametrize("most", [0, 1, 4, 8])
def test_the_axis_of_threads_ends_where_the_points_do(tmp_path, most):
    pytest.importorskip("matplotlib")
    numbers = [number for number in NUMBERS if number <= most]
    results = made_up([1.0] * 6, name="other", group="threads")
    for number in numbers:
        name = f"threads FastWriteCounter compiled attribute-{number}"
        results.suite.add_benchmark(made_up([1.0] * 6, name=name, group="threads").suite.get_benchmark(name))
    report.draw({"threads": Results(results.suite)}, tmp_path)
    shown = texts(tmp_path / "threads.svg")
    assert shown[: shown.index("threads")] == [str(number) for number in numbers]


@pytest.mark.parametrize("path", [*COMMITTED, report.SCRIPT], ids=lambda path: path.name)
def test_committed_files_hold_nothing_private(path):
    assert_nothing_private(path)
