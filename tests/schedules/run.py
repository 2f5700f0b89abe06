"""Run every schedule of the programs in programs.c, map_programs.c and log_programs.c, and find each mutation.

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
HEADERS = FOLDER.parents[1] / "fastcounter" / "c"
CC = os.environ.get("CC", "gcc")
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-Wno-unused-value"]
NO_WARNINGS = ["-w", "-Werror=implicit-function-declaration"]  # a mutation may leave a variable unused

# With tiny limits, a few additions reach what takes years with those of the header.
TINY = {"ADD_LIMIT": 3, "PART_LIMIT": 2, "OFFSET_LIMIT": 3, "COUNT_LIMIT": 4, "PROBE_EVERY": 1, "DIGIT_LIMIT": 3}
TINY |= {"FIRST_SLOTS": 4, "FIRST_ENTRIES": 2, "MOST_ENTRIES": 2, "FIRST_WAITING": 1, "FIRST_TAKEN": 1}
TINY |= {"MOST_RECORDS": 2, "MEETINGS": 1}
TINY_LIMITS = [f"-D{name}={limit}" for name, limit in TINY.items()]
LIMITS = {"tiny limits": TINY_LIMITS, "the header's limits": []}
PORTABLE = {"portable code": [*TINY_LIMITS, "-DFASTCOUNTER_PORTABLE"]}  # its resets stop no thread
VARIANTS = {"programs": LIMITS, "map_programs": LIMITS | PORTABLE, "log_programs": LIMITS}
MEMORY = {"orderly memory": "0", "old values": "2", "store buffers": "1"}
BY_DURATION = ["old values", "store buffers", "orderly memory"]  # those that take long are run first

# The first schedules of the programs find nearly all mutations.  Only those that they miss are tried with more.
SCHEDULES = [100, 1000, 10_000, 0]  # at most, of each program; 0 for all


def compile_shared(folder):
    """Compile what does not depend on the headers, into a folder."""
    for variant, macros in (LIMITS | PORTABLE).items():
        for name in ("scheduler", "python"):
            compile_file(FOLDER / f"{name}.c", folder / object_name(name, variant), "-O2", *WARNINGS, *macros)


def compile_file(source, output, *flags):
    subprocess.run([CC, "-std=gnu11", *flags, "-I", FOLDER, "-c", source, "-o", output], check=True)


def object_name(name, variant):
    return f"{name}-{variant.split()[0]}.o"


def build(name, shared, headers, variant, output, warnings=WARNINGS):
    """Compile a file of programs with the headers in a folder.  Return the path of the executable."""
    programs = output / object_name(name, variant)
    # This makes the sanitizer's calls but links no sanitizer: scheduler.c has the functions that are called.
    flags = ["-O1", *warnings, *VARIANTS[name][variant], "-I", headers, "-fsanitize=thread"]
    compile_file(FOLDER / f"{name}.c", programs, *flags)
    executable = programs.with_suffix("")
    objects = [programs, *(shared / object_name(name, variant) for name in ("scheduler", "python"))]
    subprocess.run([CC, *objects, "-o", executable], check=True)
    return executable


def run(executable, *args):
    """Run the programs.  Return what they print, and whether all of them hold."""
    result = subprocess.run([executable, *map(str, args)], stdout=subprocess.PIPE, text=True, timeout=1200)
    if result.returncode not in (0, 1):
        raise subprocess.CalledProcessError(result.returncode, result.args, result.stdout)
    return result.stdout, result.returncode == 0


def find(mutation, shared):
    """Return what finds a mutation: the program, the variant, the number of schedules and what is wrong.  Or None."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        for header in HEADERS.glob("*.h"):
            shutil.copy(header, folder)
        (folder / mutation.header).write_text(mutation.apply((HEADERS / mutation.header).read_text()))
        executables = {}
        for most, variant in itertools.product(SCHEDULES, VARIANTS[mutation.programs]):
            if variant not in executables:
                executables[variant] = build(mutation.programs, shared, folder, variant, folder, NO_WARNINGS)
            for memory, number in MEMORY.items():
                output, holds = run(executables[variant], number, most)
                if not holds:
                    before, failure = output.split("FAILED: ")
                    program, schedules = before.splitlines()[-1].rsplit(maxsplit=1)
                    return f"{program}; {variant}, {memory}; schedule {schedules}: {failure.splitlines()[0]}"
    return None


def run_programs(pool, shared, program):
    """Print the number of schedules of each program.  Return where one does not hold."""
    having = [name for name in VARIANTS if f"\n{program or 'main'}(" in (FOLDER / f"{name}.c").read_text()]
    files = [(name, variant) for name in having for variant in VARIANTS[name]]
    executables = {file: pool.submit(build, file[0], shared, HEADERS, file[1], shared) for file in files}
    runs = [(file, memory) for memory in BY_DURATION for file in reversed(files)]
    names = [program] if program else []

    def run_in(file, memory):
        start = time.monotonic()
        output, holds = run(executables[file].result(), MEMORY[memory], 0, *names)
        return output, holds, time.monotonic() - start

    failed, total = [], 0
    results = pool.map(run_in, *zip(*runs, strict=True))
    for ((name, variant), memory), (output, holds, seconds) in zip(runs, results, strict=True):
        where = f"{name}.c, {variant} and {memory}"
        if output:
            schedules = sum(int(line.split()[-1]) for line in output.split("FAILED")[0].splitlines())
            print(f"== {where}: {schedules:,} schedules in {seconds:.0f} s\n\n{output}", flush=True)
            total += schedules
        if not holds:
            failed.append(f"a program does not hold: {where}")
    if total == 0:
        sys.exit(f"there is no program {program}")
    print(f"{total:,} schedules.\n")
    return failed


def run_mutations(pool, shared, mutations):
    """Print what finds each mutation.  Return those that are not found."""
    missed = []
    for mutation, finder in zip(mutations, pool.map(find, mutations, itertools.repeat(shared)), strict=True):
        print(f"{mutation}\n    {finder or 'NOT FOUND'}", flush=True)
        if finder is None:
            missed.append(f"not found: {mutation}")
    print(f"\n{len(mutations) - len(missed)} of {len(mutations)} mutations are found.")
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["programs", "mutations"], help="run only one part")
    parser.add_argument("--program", metavar="NAME", help="run only the programs of this name")
    parser.add_argument("--mutation", metavar="TEXT", default="", help="run only the mutations that say this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at once (default: one for each processor)")
    args = parser.parse_args()
    start = time.monotonic()
    for mutation in MUTATIONS:
        mutation.apply((HEADERS / mutation.header).read_text())  # fails at once if one does not fit
    with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(args.jobs) as pool:
        shared = Path(work)
        compile_shared(shared)
        failed = [] if args.only == "mutations" else run_programs(pool, shared, args.program)
        if args.only != "programs":
            chosen = [mutation for mutation in MUTATIONS if args.mutation in str(mutation)]
            failed += run_mutations(pool, shared, chosen)
    print(*failed, f"{'FAILED' if failed else 'Passed'}, in {time.monotonic() - start:.0f} s.", sep="\n")
    sys.exit(bool(failed))


if __name__ == "__main__":
    try:
        main()
    except (subprocess.SubprocessError, ValueError) as error:
        sys.exit(f"{error}")
