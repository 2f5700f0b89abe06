"""Time a group's benchmarks alternately, in one process, and in a new random order in each round.

So both times of a ratio are taken within milliseconds.  `python -m bench.measure ARGUMENTS` prints a report as JSON.
"""

import datetime
import gc
import json
import random
import sys
from collections.abc import Callable, Mapping
from typing import Any

from bench.blocks import Block
from bench.concurrent import Concurrent, NotAtOnce, gil_enabled
from bench.groups import GROUPS

WARM_UP = 2  # rounds that are not kept


def measure(benchmarks: Mapping[str, Callable[[], Block]], rounds: int, seconds: float, seed: int) -> dict[str, Any]:
    """The times of each benchmark, one a round; what is not installed; and what never ran at the same time."""
    shuffled = random.Random(seed)
    order = list(benchmarks)
    shuffled.shuffle(order)  # so that none is always the first in memory
    blocks, left_out, given_up = {}, [], []
    for name in order:
        try:
            blocks[name] = benchmarks[name]()
        except ImportError as error:
            left_out.append(str(error))

    gc.collect()
    gc.disable()
    for block in blocks.values():
        block.calibrate(seconds)
    times: dict[str, list[float]] = {name: [] for name in blocks}
    for _ in range(WARM_UP + rounds):
        for name in shuffled.sample(list(blocks), len(blocks)):
            try:
                times[name].append(float(f"{blocks[name].time():.4g}"))  # more digits are noise, and make files large
            except NotAtOnce:
                given_up.append(name)
                del blocks[name]
    facts = {name: {"loops": b.loops, "inner_loops": b.operations, **b.metadata} for name, b in blocks.items()}
    measured = {name: (times[name][WARM_UP:], facts[name]) for name in blocks}
    return {"benchmarks": measured, "left_out": left_out, "given_up": given_up}


def main() -> None:
    arguments = json.loads(sys.argv[1])
    sys.path.insert(1, arguments["path"])
    group = GROUPS[arguments["group"]]
    for make in group.benchmarks.values():
        if "slower" in make.keywords:
            make.keywords["slower"] = arguments["slower"]
    Concurrent.tries = arguments["tries"] or Concurrent.tries
    metadata = {"process": arguments["process"], "group": arguments["group"]}
    metadata["date"] = datetime.datetime.now().isoformat(" ", "seconds")
    metadata["gil"] = "on" if gil_enabled() else "off"
    metadata["jit"] = "on" if hasattr(sys, "_jit") and sys._jit.is_enabled() else "off"  # new in 3.14
    report = measure(group.benchmarks, arguments["rounds"] or group.rounds, group.seconds, arguments["process"])
    json.dump({**report, "metadata": metadata}, sys.stdout)


if __name__ == "__main__":
    main()
