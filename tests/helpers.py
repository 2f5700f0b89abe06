"""What tests and scripts share: the classes, facts about the build, making and reading, threads and processes."""

import argparse
import functools
import importlib.util
import mmap
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import fastcounter
from fastcounter import compat, pure

COMPILED = [fastcounter.SingleThreadCounter, fastcounter.FastReadCounter, fastcounter.FastWriteCounter]
COMPAT = [compat.Counter, compat.FastReadCounter, compat.FastWriteCounter]
ORIGINAL = [pure.SingleThreadCounter, pure.FastReadCounter, pure.FastWriteCounter]

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(__file__).parent / "scripts"

GIL_BUILD = not sysconfig.get_config_var("Py_GIL_DISABLED")
# A build without CPython's internals, as on versions of CPython that are too new to be known.
PORTABLE_BUILD = bool(os.environ.get("FASTCOUNTER_PORTABLE")) or sys.version_info >= (3, 16)

DEFERS = not GIL_BUILD and not PORTABLE_BUILD and sys.version_info >= (3, 14)  # reference counts of what threads share

# The classes that are exact if several threads write.  Without the GIL, SingleThreadCounter is not.
EXACT = COMPILED if GIL_BUILD else COMPILED[1:]

# The counts on both sides of each limit of an int's representation or of a C integer.
LIMITS = [0, 256, 1024, *(2**bits for bits in (15, 16, 30, 31, 60, 62, 63, 64, 90))]
AROUND_LIMITS = sorted({sign * limit + step for limit in LIMITS for sign in (1, -1) for step in range(-2, 3)})

# The methods that change a count, how many arguments each takes, and the new count.  Not every class has all of them.
CHANGES = {
    "increment": (0, lambda count, amount: count + 1),
    "decrement": (0, lambda count, amount: count - 1),
    "add": (1, lambda count, amount: count + amount),
    "__iadd__": (1, lambda count, amount: count + amount),
    "__isub__": (1, lambda count, amount: count - amount),
    "__init__": (1, lambda count, amount: amount),
    "reset": (0, lambda count, amount: 0),
    "increment_and_get": (0, lambda count, amount: count + 1),
    "add_and_get": (1, lambda count, amount: count + amount),
}


def name_of(counter_class):
    """Return the name of a class below `fastcounter`: `FastReadCounter`, `compat.Counter`, `pure.FastReadCounter`."""
    return f"{counter_class.__module__}.{counter_class.__name__}".removeprefix("fastcounter.")


COUNTERS = COMPILED + COMPAT + ORIGINAL
MAPS = [fastcounter.CounterMap, fastcounter.SharedCounterMap]
CLASSES = {name_of(cls): cls for cls in [*COUNTERS, fastcounter.SharedCounter, *MAPS]}


def instance_of(cls):
    """Return a new counter or map of any class, which may be a subclass that takes the same arguments."""
    if issubclass(cls, fastcounter.SharedCounter):
        return cls(bytearray(8))
    if issubclass(cls, fastcounter.SharedCounterMap):
        return cls(bytearray(64 * 100))
    return cls()


def read_count(counter):
    """Return the count of a counter of any class."""
    return counter.value() if callable(counter.value) else counter.value


def run_threads(*functions, switch_interval=1e-6):
    """Run each function in a thread.  They start together, and Python switches between them as often as it can.

    Return what they return, or raise what one of them raises.
    """
    barrier = threading.Barrier(len(functions))
    results = [None] * len(functions)
    errors = []

    def work(index, function):
        barrier.wait()
        try:
            results[index] = function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=item) for item in enumerate(functions)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(switch_interval)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval or switch_interval)  # 1e-6 reads back as 0.0 on i386
    if errors:
        raise errors[0]
    return results


def resident():
    """Return the resident memory of this process in text, such as "9000 KiB", or "unknown" if it cannot be measured."""
    try:
        import psutil  # here, since not every script needs it
    except ImportError:
        return "unknown"
    try:
        return f"{psutil.Process().memory_info().rss // 1024} KiB"
    except psutil.Error:  # on Linux, if there is no /proc
        return "unknown"


def resident_in(output):
    """Return each number of KiB that a script has printed."""
    return [int(number) for number in re.findall(r"(\d+) KiB", output)]


def load(path):
    """Import a module by its path, a program or a compiled one.  Its name is not entered in sys.modules."""
    spec = importlib.util.spec_from_file_location(Path(path).name.partition(".")[0], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recipe(heading, page="docs/processes.md"):
    """Return the first program below a heading of a page.  Doctests are none."""
    text = (ROOT / page).read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    return re.search(r"```python\n((?!>>>).*?)```", text, re.DOTALL)[1]


def map_file(path):
    """Map a file into memory that can be written."""
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), 0)


class Child:
    """A forked process that calls a function.  If it takes longer than the patience in seconds, SIGALRM ends it."""

    def __init__(self, function, *args, patience=300):
        self.pid = os.fork()
        if self.pid:
            return
        status = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(patience)
            function(*args)
            status = 0
        finally:
            os._exit(status)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def wait(self):
        """Return its status: 0 if the function returned, 1 if it raised, or a signal that ended it, below 0."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def is_running(pid):
    """Whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def run_processes(*processes, meanwhile=None):
    """Start processes of multiprocessing, call a function, and wait until all of them have ended without an error."""
    for process in processes:
        process.start()
    if meanwhile:
        meanwhile()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(processes)


def kill_at_any_moment(*processes):
    """Kill processes in turn, each after up to ten milliseconds."""
    for process in processes:
        time.sleep(random.random() / 100)
        process.kill()


def count_until_killed(totals, owns):
    """Increment each total again and again, and record each increment in a counter of this process."""
    while True:
        for total, own in zip(totals, owns, strict=True):
            total.increment()
            own.increment()


def check_what_the_killed_counted(total, owns):
    """Each process has counted as often as it recorded, or once more, and holds no lock."""
    recorded = sum(own.value for own in owns)
    assert recorded > len(owns)
    assert 0 <= total.value - recorded <= len(owns)
    total.increment()


def script_parser(description, classes=COMPILED):
    """Make a parser for a script's command line, with an option that selects classes of counters, and others given."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [name_of(cls) for cls in classes]
    choices = [name for name, cls in CLASSES.items() if cls in [*COUNTERS, *classes]]
    parser.add_argument(
        "--classes",
        nargs="+",
        choices=choices,
        default=names,
        metavar="CLASS",
        help=f"of {', '.join(choices)} (default: {' '.join(names)})",
    )
    return parser


def quick_compiler():
    """Return an environment in which the C compiler does not optimize, which takes half the time."""
    # CFLAGS would replace the flags that the interpreter was built with.  CPPFLAGS are added to them.
    environment = {name: value for name, value in os.environ.items() if name != "CFLAGS"}
    return {**environment, "CPPFLAGS": f"{os.environ.get('CPPFLAGS', '')} -O0"}


def run_python(*args, **options):
    """Run Python in another process, and return its status and output."""
    command = [sys.executable, *map(str, args)]
    run = functools.partial(subprocess.run, command, capture_output=True, text=True, **options)
    try:
        return run()
    except OSError as error:
        if getattr(error, "winerror", None) != 1359:  # "Internal error": a busy Wine could not start a process
            raise
        return run()


def run_script(name, *args, timeout=300):
    """Run tests/scripts/`name` in another process, and return what it prints.  If it fails, raise AssertionError."""
    result = run_python(SCRIPTS / name, *args, timeout=timeout)
    assert result.returncode == 0, f"status {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout


def run_quietly(*args, **options):
    """Run Python in another process, and return what it prints.  If it fails or warns, raise AssertionError."""
    result = run_python(*args, **options)
    assert (result.returncode, result.stderr) == (0, ""), f"status {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout


def build(source, folder, *command):
    """Copy a .pyx file to a folder, build it there by a command of Python, and return the module, imported.

    If there is none then, raise ImportError.
    """
    shutil.copy(source, folder)
    result = run_python(*command, cwd=folder, env=quick_compiler(), timeout=300)
    built = [path for path in folder.iterdir() if path.suffix in (".so", ".pyd")]
    if not built:
        raise ImportError(result.stdout + result.stderr)
    return load(built[0])
