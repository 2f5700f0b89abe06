"""Measure the counters, or show what was measured: `python -m bench --help`."""

import sys

from bench import plot, run, table

COMMANDS = {"table": table.main, "plot": plot.main}


def main() -> None:
    command = COMMANDS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if command:
        command(sys.argv[2:])
    else:
        run.main()


if __name__ == "__main__":
    main()
