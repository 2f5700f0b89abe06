"""What tests and scripts share: the classes, facts about the build, reading a count, running threads and processes."""

import argparse
import functools
import os
import re
import signal
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

import fastcounter
from fastcounter import compat, pure

COMPILED = [fastcounter.SingleThreadCounter, fastcounter.FastReadCounter, fastcounter.FastWriteCounter]
COMPAT = [compat.Counter, compat.FastReadCounter, compat.FastWriteCounter]
ORIGINAL = [pure.SingleThreadCounter, pure.FastReadCounter, pure.FastWriteCounter]

GIL_BUILD = not sysconfig.get_config_var("Py_GIL_DISABLED")
# A build without CPython's internals, as on versions of CPython that are too new to be known.
PORTABLE_BUILD = bool(os.environ.get("FASTCOUNTER_PORTABLE")) or sys.version_info >= (3, 16)

# The classes that are exact if several threads write.  Without the GIL, SingleThreadCounter is not.
EXACT = COMPILED if GIL_BUILD else COMPILED[1:]

# The counts on both sides of each limit of an int's representation or of a C integer.
LIMITS = [0, 256, 1024, *(2**bits for bits in (15, 16, 30, 31, 60, 62, 63, 64, 90))]
AROUND_LIMITS = sorted({sign * limit + step for limit in LIMITS for sign in (1, -1) for step in range(-2, 3)})

# The methods that change a count, how many arguments each takes, and the new count.  Not every class has all of them.
CHANGES = {
    "increment": (0, lambda count, amount: count + 1),
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


CLASSES = {name_of(counter_class): counter_class for counter_class in COMPILED + COMPAT + ORIGINAL}


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


def status_of_child(check, patience):
    """Fork a child that calls check().  Return its status: 0 if that is true, and -SIGALRM if it takes too long."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        signal.alarm(patience)
        status = int(not check())
    finally:
        os._exit(status)


def script_parser(description, classes=COMPILED):
    """Make a parser for a script's command line, with an option that selects classes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [name_of(counter_class) for counter_class in classes]
    parser.add_argument(
        "--classes",
        nargs="+",
        choices=CLASSES,
        default=names,
        metavar="CLASS",
        help=f"of {', '.join(CLASSES)} (default: {' '.join(names)})",
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
    result = run_python(Path(__file__).parent / "scripts" / name, *args, timeout=timeout)
    assert result.returncode == 0, f"status {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout
