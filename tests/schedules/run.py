"""Run every schedule of the programs in programs.c, and check that they find each mutation in mutations.py.

python tests/schedules/run.py
python tests/schedules/run.py --only programs --program reads_beside_increments
python tests/schedules/run.py --only mutations
"""

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutations import MUTATIONS

FOLDER = Path(__file__).parent
HEADERS = FOLDER.parents[1] / "fastcounter"
HEADER = "_cell_free_threaded.h"
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-Wno-unused-value"]

# With tiny limits, a few additions reach what takes years with those of the header.
TINY = {"ADD_LIMIT": 3, "PART_LIMIT": 2, "OFFSET_LIMIT": 3, "COUNT_LIMIT": 4, "PROBE_EVERY": 1, "DIGIT_LIMIT": 3}
LIMITS = {"tiny limits": [f"-D{name}={limit}" for name, limit in TINY.items()], "the header's limits": []}
BUFFERS = {"no store buffers": [], "store buffers": ["--buffers"]}


def compile_programs(headers, limits, output):
    """Compile the programs with the headers in a folder.  Return the path of the executable."""
    cc = [os.environ.get("CC", "gcc"), "-std=gnu11", "-O1", *WARNINGS, *LIMITS[limits], "-I", FOLDER, "-I", headers]
    # This makes the sanitizer's calls but links no sanitizer: scheduler.c has the functions that are called.
    subprocess.run([*cc, "-fsanitize=thread", "-c", FOLDER / "programs.c", "-o", output / "programs.o"], check=True)
    executable = output / "schedules"
    sources = [FOLDER / "scheduler.c", FOLDER / "python.c", output / "programs.o"]
    subprocess.run([*cc, *sources, "-o", executable], check=True)
    return executable


def run(executable, *args):
    """Run the programs.  Return what they print, and whether all of them hold."""
    result = subprocess.run([executable, *args], stdout=subprocess.PIPE, text=True, timeout=1200)
    if result.returncode not in (0, 1):
        raise subprocess.CalledProcessError(result.returncode, result.args, result.stdout)
    return result.stdout, result.returncode == 0


def mutate(name, folder):
    """Copy the headers to a folder, and apply a mutation to the copy."""
    for header in HEADERS.glob("*.h"):
        shutil.copy(header, folder)
    text = (folder / HEADER).read_text()
    for old, new in MUTATIONS[name]:
        if text.count(old) != 1:
            raise ValueError(f"mutation {name!r}: its text is {text.count(old)} times in {HEADER}, not once:\n{old}")
        text = text.replace(old, new)
    (folder / HEADER).write_text(text)


def find(name):
    """Return which program finds a mutation, or None."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        mutate(name, folder)
        executables = {limits: compile_programs(folder, limits, new_folder(folder, limits)) for limits in LIMITS}
        for (buffers, args), (limits, executable) in itertools.product(BUFFERS.items(), executables.items()):
            output, holds = run(executable, *args)
            if not holds:
                program, reason = output.split("FAILED: ")[0].splitlines()[-1], output.split("FAILED: ")[1]
                return f"{program} schedules, {limits}, {buffers}: {reason.splitlines()[0]}"
    return None


def new_folder(parent, name):
    folder = parent / name.replace(" ", "-")
    folder.mkdir()
    return folder


def run_programs(pool, program):
    """Print the number of schedules of each program.  Return whether all hold."""
    with tempfile.TemporaryDirectory() as work:
        folders = [(limits, new_folder(Path(work), limits)) for limits in LIMITS]
        executables = dict(pool.map(lambda pair: (pair[0], compile_programs(HEADERS, *pair)), folders))
        variants = [(limits, buffers) for buffers in reversed(BUFFERS) for limits in LIMITS]
        args = [program] if program else []
        results = list(pool.map(lambda pair: run(executables[pair[0]], *BUFFERS[pair[1]], *args), variants))
    for variant, (output, holds) in zip(variants, results, strict=True):
        schedules = sum(int(line.split()[-1]) for line in output.split("FAILED")[0].splitlines())
        print(f"== {' and '.join(variant)}: {schedules:,} schedules\n\n{output}")
        if not schedules:
            sys.exit(f"there is no program {program}")
    return all(holds for _, holds in results)


def run_mutations(pool, chosen):
    """Print what finds each mutation.  Return whether all are found."""
    found = True
    for name, finder in zip(chosen, pool.map(find, chosen), strict=True):
        print(f"{name}\n    {finder or 'NOT FOUND'}", flush=True)
        found = found and finder is not None
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["programs", "mutations"], help="run only one part")
    parser.add_argument("--program", metavar="NAME", help="run only the programs of this name")
    parser.add_argument("--mutation", metavar="TEXT", default="", help="run only mutations with this text in their name")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at once (default: one for each processor)")
    args = parser.parse_args()
    start = time.monotonic()
    with ThreadPoolExecutor(args.jobs) as pool:
        passed = args.only == "mutations" or run_programs(pool, args.program)
        chosen = [name for name in MUTATIONS if args.mutation in name]
        passed = (args.only == "programs" or run_mutations(pool, chosen)) and passed
    print(f"\n{'Passed' if passed else 'FAILED'}, in {time.monotonic() - start:.0f} s.")
    sys.exit(not passed)


if __name__ == "__main__":
    main()
