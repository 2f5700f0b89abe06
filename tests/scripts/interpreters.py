"""Count in several isolated interpreters at a time, each with a GIL of its own.  Make and close them again and again.

python tests/scripts/interpreters.py --rounds 200
python tests/scripts/interpreters.py --main-first
python tests/scripts/interpreters.py --legacy
"""

import argparse
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers import resident

if sys.version_info >= (3, 13):
    import _interpreters as interpreters
else:
    import _xxsubinterpreters as interpreters

SCENARIO = """
import copy, pickle, fastcounter
from fastcounter import compat

def count_by_label(map_class):
    class Sub(map_class):
        pass
    counts = Sub({"a": 2**70})
    counts.itself = counts
    for number in range(2000):
        counts.increment(number % 200)
        counts.add(str(number % 200), 7)
    assert pickle.loads(pickle.dumps(map_class(counts))) == copy.copy(counts) == counts
    assert counts.total() == 2**70 + 2000 * 8
    assert counts.reset()["a"] == 2**70

def share_by_label(map_class):
    class Sub(map_class):
        pass
    memory = bytearray(64 * 500)
    counts, same = map_class(memory), Sub(memory)
    for number in range(2000):
        counts.increment(number % 200)
        same.add(str(number % 200), 7)
    assert counts == same
    assert counts.total() == 2000 * 8
    assert len(counts.reset()) == 400

for module in (fastcounter, compat):
    for name in module.__all__:
        counter_class = getattr(module, name)
        if name == "CounterMap":
            count_by_label(counter_class)
            continue
        if name == "SharedCounterMap":
            share_by_label(counter_class)
            continue
        if name == "SharedCounter":
            counter = counter_class(bytearray(8))
        else:
            counter = counter_class(250)
            counter.add(-250)
            assert int(pickle.loads(pickle.dumps(counter))) == int(copy.copy(counter)) == 0
        class Sub(counter_class):
            pass
        for _ in range(2000):
            counter.increment()
        counter.add(2**40)
        counter += 7
        assert int(counter) == 2**40 + 2007, counter
        assert counter.reset() == 2**40 + 2007
        try:
            counter.add("1")
        except TypeError:
            pass
        else:
            raise AssertionError("no TypeError")
        assert int(counter) == 0
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="how often (default: 20)")
    parser.add_argument("--interpreters", type=int, default=4, help="how many at a time (default: 4)")
    parser.add_argument("--main-first", action="store_true", help="count in the main interpreter too, first and last")
    parser.add_argument("--legacy", action="store_true", help="interpreters that share the main one's GIL")
    parser.add_argument("--code", default=SCENARIO, help="what to run instead of the scenario")
    args = parser.parse_args()
    if args.main_first:
        exec(args.code, {"__name__": "__main__"})
    for _ in range(args.rounds):
        errors = run_in_parallel(args)
        if errors:
            sys.exit("\n".join(errors))
    if args.main_first:
        exec(args.code, {"__name__": "__main__"})
    print(f"{args.rounds} rounds of {args.interpreters} interpreters, all right; resident memory: {resident()}")


def run_in_parallel(args):
    errors = []

    def work():
        error = run_in_interpreter(args.code, args.legacy)
        if error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(args.interpreters)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def run_in_interpreter(code, legacy):
    """Return an error message, or None."""
    if sys.version_info >= (3, 13):
        interpreter = interpreters.create("legacy" if legacy else "isolated", reqrefs=False)
        failure = interpreters.exec(interpreter, code)
        error = failure and failure.formatted
    else:
        interpreter = interpreters.create(isolated=not legacy)
        try:
            error = interpreters.run_string(interpreter, code)
        except interpreters.RunFailedError as failure:
            error = str(failure)
    interpreters.destroy(interpreter)
    return error


if __name__ == "__main__":
    main()
