"""What one process does: time all that is to be compared in turns, in an order that is shuffled anew each round.

So both times of a ratio were taken within milliseconds.  `python -m bench.measure ARGUMENTS` prints a report as JSON.
"""

import datetime
import gc
import json
import random
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from bench.contenders import Block
from bench.groups import GROUPS


def measure(contenders: dict[str, Callable[[], Block]], rounds: int, seconds: float, seed: int) -> dict[str, Any]:
    """The times of each contender, one a round, and why contenders are left out."""
    shuffled = random.Random(seed)
    order = list(contenders)
    shuffled.shuffle(order)  # so that no twin is always the first in memory
    blocks, left_out = {}, []
    for name in order:
        try:
            blocks[name] = contenders[name]()
        except ImportError as error:
            left_out.append(str(error))

    gc.collect()
    gc.disable()
    for block in blocks.values() if seconds else ():
        block.lengthen(seconds)
    times: dict[str, list[float]] = {name: [] for name in blocks}
    for _ in range(2 + rounds if seconds else rounds):  # two to warm up
        for name in shuffled.sample(list(blocks), len(blocks)):
            times[name].append(float(f"{blocks[name].time():.4g}"))  # more digits are noise, and make files large
    facts = {name: {"loops": b.loops, "inner_loops": b.operations, **b.metadata} for name, b in blocks.items()}
    return {"benchmarks": {name: (times[name][-rounds:], facts[name]) for name in blocks}, "left_out": left_out}


def main() -> None:
    arguments = json.loads(sys.argv[1])
    sys.path.insert(1, arguments["path"])
    group = GROUPS[arguments["group"]]
    if arguments["slower"]:
        slow: dict[str, Any] = {name: call for name, call in group.contenders.items() if "a-twin" in name}
        group.contenders |= {name: partial(call, slower=arguments["slower"]) for name, call in slow.items()}
    metadata = {"process": arguments["process"], "group": arguments["group"]}
    metadata["date"] = datetime.datetime.now().isoformat(" ", "seconds")
    metadata["gil"] = "on" if getattr(sys, "_is_gil_enabled", lambda: True)() else "off"
    report = measure(group.contenders, arguments["rounds"] or group.rounds, group.seconds, arguments["process"])
    json.dump({**report, "metadata": metadata}, sys.stdout)


if __name__ == "__main__":
    main()
