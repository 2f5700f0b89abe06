"""The article's calls as a plain pyperf script: `python bench/article.py --rigorous -o FILE`; `--help` has its options.

It has benchmarks of the group `article` of `python -m bench`, with the same names, but times one after another.
"""

import sys
from itertools import product
from pathlib import Path

import pyperf

sys.path[0] = str(Path(__file__).resolve().parents[1])  # where this process and pyperf's workers find `bench`

from bench.calls import ARTICLE, IMPLEMENTATIONS, SETUP, UNROLLED, code_of, counter_of, name_of  # noqa: E402


def main() -> None:
    runner = pyperf.Runner()
    for call, cls, implementation in product(("increment", "value"), ARTICLE, IMPLEMENTATIONS):
        setup = f"{SETUP}counter = {counter_of(cls, implementation)}"
        runner.timeit(name_of(call, cls, implementation), code_of(call, cls), setup, duplicate=UNROLLED)


if __name__ == "__main__":
    main()
