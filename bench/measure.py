"""What one process does: time all that is to be compared in turns, in an order that is shuffled anew each round.

The two times of a ratio were then taken within milliseconds of each other, and a slow spell of the machine falls on
both.  bench.run starts it as `python -m bench.measure ARGUMENTS`, and it prints its report as JSON.
"""

import datetime
import gc
import json
import random
import sys
from collections.abc import Callable
from typing import Any

from bench import groups
from bench.contenders import Block, LeftOut

WARM_UP_ROUNDS = 2


def measure(contenders: dict[str, Callable[[], Block]], rounds: int, seconds: float, seed: int) -> dict[str, Any]:
    """The times of each contender, one a round, and why contenders are left out."""
    shuffled = random.Random(seed)
    order = list(contenders)
    shuffled.shuffle(order)  # so that no twin is always the first in memory
    blocks, left_out = {}, []
    for name in order:
        try:
            blocks[name] = contenders[name]()
        except LeftOut as error:
            left_out.append(str(error))

    gc.collect()
    gc.disable()
    if seconds:
        for block in blocks.values():
            block.lengthen(seconds)
    order = list(blocks)
    times: dict[str, list[float]] = {name: [] for name in blocks}
    for number in range(-WARM_UP_ROUNDS if seconds else 0, rounds):
        shuffled.shuffle(order)
        for name in order:
            spent = blocks[name].time()
            if number >= 0:
                times[name].append(float(f"{spent:.4g}"))  # more digits are noise, and make large files
    benchmarks = {
        name: (times[name], {"loops": block.loops, "inner_loops": block.operations, **block.metadata})
        for name, block in blocks.items()
    }
    return {"benchmarks": benchmarks, "left_out": left_out}


def main() -> None:
    arguments = json.loads(sys.argv[1])
    sys.path.insert(1, arguments["path"])
    group = groups.aa(arguments["slower"]) if arguments["group"] == "aa" else groups.GROUPS[arguments["group"]]
    metadata = {key: arguments[key] for key in ("process", "group")}
    metadata["date"] = datetime.datetime.now().isoformat(" ", "seconds")
    report = measure(group.contenders, arguments["rounds"] or group.rounds, group.seconds, arguments["process"])
    metadata["gil"] = "on" if getattr(sys, "_is_gil_enabled", lambda: True)() else "off"
    json.dump({**report, "metadata": metadata}, sys.stdout)


if __name__ == "__main__":
    main()
