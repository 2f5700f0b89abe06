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
TINY |= {"FIRST_SLOTS": 4, "FIRST_ENTRIES": 2, "MOST_ENTRIES": 2, "FIRST_WAITING": 1, "MOST_RECORDS": 2, "MEETINGS": 1}
TINY_LIMITS = [f"-D{name}={limit}" for name, limit in TINY.items()]
LIMITS = {"tiny limits": TINY_LIMITS, "the header's limits": []}
PORTABLE = {"portable code": [*TINY_LIMITS, "-DFASTCOUNTER_PORTABLE"]}  # its resets stop no thread
VARIANTS = {"programs": LIMITS, "map_programs": LIMITS | PORTABLE, "log_programs": LIMITS}
MEMORY = {"orderly memory": "0", "old values": "2", "store buffers": "1"}


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
    result = subprocess.run([executable, *args], stdout=subprocess.PIPE, text=True, timeout=1200)
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
        for variant in VARIANTS[mutation.programs]:
            executable = build(mutation.programs, shared, folder, variant, folder, NO_WARNINGS)
            for memory, number in MEMORY.items():
                output, holds = run(executable, number)
                if not holds:
                    before, failure = output.split("FAILED: ")
                    program, schedules = before.splitlines()[-1].rsplit(maxsplit=1)
                    return f"{program}; {variant}, {memory}; schedule {schedules}: {failure.splitlines()[0]}"
    return None


def run_programs(pool, shared, program):
    """Print the number of schedules of each program.  Return whether all hold."""
    having = [name for name in VARIANTS if f"\n{program or 'main'}(" in (FOLDER / f"{name}.c").read_text()]
    files = [(name, variant) for name in having for variant in VARIANTS[name]]
    executables = {file: pool.submit(build, file[0], shared, HEADERS, file[1], shared) for file in files}
    runs = [(file, memory) for memory in reversed(MEMORY) for file in files]  # those that take long first
    names = [program] if program else []

    def run_in(file, memory):
        return run(executables[file].result(), MEMORY[memory], *names)

    results = list(pool.map(run_in, *zip(*runs, strict=True)))
    if not any(output for output, _ in results):
        sys.exit(f"there is no program {program}")
    for ((name, variant), memory), (output, _) in zip(runs, results, strict=True):
        if output:
            schedules = sum(int(line.split()[-1]) for line in output.split("FAILED")[0].splitlines())
            print(f"== {name}.c, {variant} and {memory}: {schedules:,} schedules\n\n{output}")
    return all(holds for _, holds in results)


def run_mutations(pool, shared, mutations):
    """Print what finds each mutation.  Return whether all are found."""
    missed = 0
    for mutation, finder in zip(mutations, pool.map(find, mutations, itertools.repeat(shared)), strict=False):
        print(f"{mutation}\n    {finder or 'NOT FOUND'}", flush=True)
        missed += finder is None
    print(f"\n{len(mutations) - missed} of {len(mutations)} mutations are found.")
    return missed == 0


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
        passed = args.only == "mutations" or run_programs(pool, shared, args.program)
        if args.only != "programs":
            chosen = [mutation for mutation in MUTATIONS if args.mutation in str(mutation)]
            passed &= run_mutations(pool, shared, chosen)
    print(f"{'Passed' if passed else 'FAILED'}, in {time.monotonic() - start:.0f} s.")
    sys.exit(not passed)


if __name__ == "__main__":
    try:
        main()
    except (subprocess.CalledProcessError, ValueError) as error:
        sys.exit(f"{error}")
