"""Signal handlers and forks, which must not find a counter that is locked."""

import os
import subprocess
import sys

import pytest

from fastcounter import pure

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and POSIX signals")

PROLOGUE = """
import os, signal, sys, threading, warnings
from {module} import {name} as Counter
def read(counter):
    return counter.value() if callable(counter.value) else counter.value
sys.setswitchinterval(1e-6)
counter = Counter()
"""

# A handler that reads the counter, run at any point of a loop that reads it too.
SIGNALS = """
handled = []
def handler(number, frame):
    counter.increment()
    handled.append(read(counter))
    if len(handled) < 1000:
        signal.setitimer(signal.ITIMER_REAL, 0.0001)
signal.signal(signal.SIGALRM, handler)
handler(signal.SIGALRM, None)
while len(handled) < 1000:
    counter.increment()
    read(counter)
assert handled == sorted(handled)
print("done")
"""

# A child that reads the counter, forked at any point of another thread's loop that reads it too.
FORKS = """
warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, from 3.12
stop = threading.Event()
def read_on():
    while not stop.is_set():
        read(counter)
thread = threading.Thread(target=read_on)
thread.start()
for _ in range(100):
    before = read(counter)
    child = os.fork()
    if child == 0:
        signal.alarm(2)  # ends a child that hangs
        counter.increment()
        os._exit(read(counter) != before + 1)
    if os.waitpid(child, 0)[1] != 0:
        print("hung")
        break
    counter.increment()
else:
    print("done")
stop.set()
thread.join()
"""


def outcome(script, cls, timeout):
    """What the script prints in an interpreter of its own, or "hung" when the seconds are over."""
    code = PROLOGUE.format(module=cls.__module__, name=cls.__name__) + script
    try:
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return "hung"
    return result.stdout.strip() or result.stderr


@pytest.mark.parametrize("script", [SIGNALS, FORKS], ids=["signals", "forks"])
def test_never_hangs(cls, script):
    assert outcome(script, cls, timeout=120) == "done"


def test_the_original_hangs_in_a_signal_handler():
    """So the test above can fail: there is a lock in that scenario, and it is found taken."""
    assert outcome(SIGNALS, pure.FastWriteCounter, timeout=3) == "hung"


def test_a_child_counts_on_from_its_own_copy(cls, read):
    counter = cls(2**40)
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        counter.increment()
        os.write(send, repr(counter).encode())
        os._exit(0)
    os.waitpid(child, 0)
    counter.add(5)
    assert os.read(receive, 100).decode() == f"{cls.__name__}({2**40 + 1})"
    assert read(counter) == 2**40 + 5
    os.close(receive)
    os.close(send)
