"""The benchmark's statistics, on numbers whose answer is known, and that all of it runs."""

import math
import os
import random
import signal
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyperf
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # `bench` is not installed: it belongs to the checkout

from bench import contenders, report, run  # noqa: E402
from bench.estimate import FEWEST_PROCESSES, of_processes  # noqa: E402
from bench.groups import GROUPS  # noqa: E402
from bench.measure import measure  # noqa: E402
from bench.results import from_reports, load  # noqa: E402

COMMITTED = sorted((ROOT / "bench" / "results").glob("*.json*"))


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
    one, other = (random.lognormvariate(0, 0.01) for _ in range(2))
    if random.random() < 0.05:  # an odd process
        one, other = random.choice([(1.8 * one, other), (one, 1.8 * other)])
    times, slow = [], False
    for _ in range(ROUNDS):
        pair = []
        for true in random.sample([(ratio * one, 0), (other, 1)], 2):
            slow = random.random() < (0.9 if slow else 0.03)
            pair.append((true[1], true[0] * random.lognormvariate(0, 0.03) * (1.7 if slow else 1)))
        times.append([time for _, time in sorted(pair)])
    return statistics.median(one / other for one, other in times)


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


def made_up(factors, name="increment FastReadCounter compiled medium", group="article", rounds=3):
    """Results of as many processes, in which the floor took 10, 20, 30 ns and the named one so many times that."""
    reports = [
        {
            "benchmarks": {
                name: ([factor * 1e-8 * (n + 1) for n in range(rounds)], {"loops": 1, "inner_loops": 200}),
                "floor call": ([1e-8 * (n + 1) for n in range(rounds)], {"loops": 1, "inner_loops": 200}),
            },
            "metadata": {"process": process, "group": group, "date": "2030-01-01 00:00:00", "gil": "on"},
        }
        for process, factor in enumerate(factors)
    ]
    metadata = {"python_version": "3.14.0 (64-bit)", "cpu_count": 2, "fastcounter_version": "2.0.0"}
    return from_reports(metadata, reports)


def test_ratio_is_the_median_within_rounds(tmp_path):
    path = tmp_path / "made-up.json.gz"
    made_up([1.1, 1.2, 1.3]).suite.dump(str(path))
    results = load(path)
    name = "increment FastReadCounter compiled medium"
    assert results.ratios(name, "floor call") == pytest.approx([1.1, 1.2, 1.3])
    assert results.ratios(name, "floor call", "floor call") == pytest.approx([0.55, 0.6, 0.65])
    assert results.ratios(name, "floor slot") == []
    assert results.time(name) == pytest.approx(2.4e-8)
    assert results.of("sizes").runs == {}


def test_compare(tmp_path):
    old, new, slower = (tmp_path / f"{name}.json" for name in ("old", "new", "slower"))
    factors = [1.1 + 0.001 * n for n in range(12)]
    made_up(factors).suite.dump(str(old))
    made_up([factor * 1.001 for factor in factors]).suite.dump(str(new))
    made_up([factor * 1.1 for factor in factors]).suite.dump(str(slower))
    assert "slower" not in bench("compare", old, new, "--fail-above", 5)[0]
    output, _ = bench("compare", old, slower, "--fail-above", 20)
    assert "1.10 [1.09, 1.11]" in output
    assert "slower" in output
    assert "slower: increment FastReadCounter" in bench("compare", old, slower, "--fail-above", 5, status=1)[1]
    assert "faster" in bench("compare", slower, old, "--fail-above", 5)[0]


# ---- What is measured ----


def test_a_slowed_statement_is_done_more_often_than_it_is_counted():
    done = []
    contenders.done = done
    block = contenders.statement("done.append(1)", "0", "from bench.contenders import done", slower=5)
    block.measure(10)
    assert (len(done), block.operations) == (2100, 200)


def test_a_fresh_counter_stays_small():
    block = contenders.statement("counter.increment()", "made()", SEEN, fresh=True)
    block.measure(3)
    assert [counter.value for counter in contenders.seen] == [200] * 3


SEEN = """
from bench import contenders
contenders.seen = []
def made():
    contenders.seen.append(fastcounter.FastReadCounter())
    return contenders.seen[-1]
"""

LOSING = """
class Losing:
    value = 0
    def increment(self): pass
"""


def test_lost_counts_are_counted_or_an_error():
    with pytest.raises(RuntimeError, match="800 of 800 increments of Losing\\(\\) were lost"):
        contenders.crowd("Losing()", 2, setup=LOSING).measure(2)
    block = contenders.crowd("Losing()", 2, setup=LOSING, may_lose=True)
    block.measure(2)
    assert block.metadata == {"lost": 800, "counted": 800}


def test_rounds_are_shuffled_and_complete():
    order = []

    def contender(name):
        return lambda: contenders.Block(lambda loops: order.append(name) or 1e-9)

    report = measure({name: contender(name) for name in "abc"}, rounds=20, seconds=0, seed=1)
    rounds = ["".join(order[at : at + 3]) for at in range(0, 60, 3)]
    assert {"".join(sorted(each)) for each in rounds} == {"abc"}
    assert len(set(rounds)) > 3
    assert report["benchmarks"]["a"][0] == [1e-9] * 20


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A file with one round of everything."""
    path = tmp_path_factory.mktemp("bench") / "all.json.gz"
    output, errors = bench("all", "aa", "--processes", 1, "--rounds", 1, "-o", path)
    assert "1.00 [1.00, 1.00]" in output
    assert {line.split(":")[0] for line in errors.splitlines()} <= {"Left out"}
    return path


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_each_contender_is_measured_and_shown_on_a_screen(everything, group):
    results = load(everything).of(group.name)
    missing = set(group.contenders) - set(results.runs)
    assert group.name == "peers" or not missing
    lines = f"{group.title}\n\n{group.table([results], 'simple')}\n{group.note}".splitlines()
    assert len(lines) <= 20
    assert max(map(len, lines)) <= 100


def test_names_are_as_they_were(everything):
    names = set(load(everything).runs)
    assert {"increment FastReadCounter compiled medium", "value FastWriteCounter original medium"} <= names
    assert {"threads FastWriteCounter compiled bound-2", "memory FastReadCounter original", "floor call"} <= names


def test_file_is_pyperf_s_and_holds_nothing_private(everything):
    for command in (["stats"], ["check"], ["hist"], ["metadata"], ["compare_to", everything]):
        arguments = [sys.executable, "-m", "pyperf", command[0], everything, *command[1:]]
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
    metadata = [run.get_metadata() for each in pyperf.BenchmarkSuite.load(str(everything)) for run in each.get_runs()]
    private = {"command", "hostname", "python_executable", "python_config_args"}
    assert not any(private & set(each) for each in metadata)
    assert not any(str(ROOT) in str(each) for each in metadata)


def test_default_is_one_screen(tmp_path):
    path = tmp_path / "article.json"
    output, errors = bench("--processes", 6, "--rounds", 2, "-o", path, COLUMNS="300")
    lines = output.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100
    assert errors == ""
    assert lines[0].startswith(f"CPython {sys.version.split()[0]}")
    assert [line.split(":")[0] for line in lines[-3:]] == ["The floor", "Noise", "More"]
    assert bench("table", path)[0] == output


def test_progress_is_one_line_on_a_terminal():
    pty, termios, fcntl = (pytest.importorskip(name) for name in ("pty", "termios", "fcntl"))
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "bench", "import", "--processes", "2", "--rounds", "1"]
    subprocess.run(command, cwd=ROOT, stderr=follower, stdout=subprocess.DEVNULL, check=True)
    shown = os.read(leader, 100_000).decode()
    os.close(leader)
    os.close(follower)
    assert "2/2" in shown
    assert shown.count("\n") == 0


# ---- Interruptions ----


def children_until(process, enough):
    """The processes that it has started, once there are enough of them."""
    seen = set()
    while len(seen) < enough:
        assert process.poll() is None
        seen |= set(psutil.Process(process.pid).children(recursive=True))
        time.sleep(0.01)
    return seen


@pytest.mark.skipif(os.name == "nt", reason="no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("group", ["import", "processes", "article"])
def test_interrupted(tmp_path, number, group):
    path, temporary = tmp_path / "results.json", tmp_path / "tmp"
    temporary.mkdir()
    command = [sys.executable, "-m", "bench", group, "--rounds", "1", "--processes", "500", "-o", str(path)]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        seen = children_until(process, enough={"article": 1, "import": 20, "processes": 100}[group])
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert f"Interrupted by {number.name}." in errors
    assert "Traceback" not in errors
    assert not psutil.wait_procs(seen, timeout=5)[1]
    assert list(temporary.iterdir()) == []
    if group == "article":
        assert "Nothing was measured." in errors
        assert not path.exists()
    else:
        assert GROUPS[group].title in output
        assert load(path).groups == {group}


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
def test_a_bad_file_is_told_in_a_sentence(tmp_path, name, make):
    path = tmp_path / name
    make(path)
    for command in (["table", path], ["compare", path, path], ["report", path, "--directory", tmp_path]):
        output, errors = bench(*command, status=1)
        assert output == ""
        assert errors.count("\n") == 1
        assert name in errors


@pytest.mark.parametrize("name", ["no-such-directory/results.json", "exists.json", "."])
def test_output_that_cannot_be_written_is_found_out_first(tmp_path, name):
    (tmp_path / "exists.json").write_text("precious")
    assert "cannot be written" in bench("-o", tmp_path / name, status=1)[1]
    assert (tmp_path / "exists.json").read_text() == "precious"


def test_nothing_in_common(tmp_path):
    made_up([1]).suite.dump(str(tmp_path / "one.json"))
    made_up([1], group="sizes").suite.dump(str(tmp_path / "two.json"))
    assert "nothing in common" in bench("compare", tmp_path / "one.json", tmp_path / "two.json", status=1)[1]


def test_unknown_group():
    assert "no group is called no-such" in bench("no-such", status=2)[1]


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
    assert all(f"## {group.title}\n" in text for group in GROUPS.values())
    pictures = {path.name for path in tmp_path.iterdir()} - {"README.md"}
    assert pictures in ({"operations.png"}, {"threads.png"})
    assert all(f"]({name})" in text for name in pictures)


def test_committed_page_is_what_the_committed_results_give():
    page = ROOT / "bench" / "README.md"
    assert page.exists() == bool(COMMITTED)
    if COMMITTED:
        assert page.read_text(encoding="utf-8") == report.page([load(path) for path in COMMITTED])
        assert all((page.parent / f"{name}.png").exists() for name in report.pictures([load(p) for p in COMMITTED]))
