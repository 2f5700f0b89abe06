"""Make files of counts from several processes at once, or kill processes while they make some, and check each file.

python tests/scripts/make_files.py together --rounds 5000
python tests/scripts/make_files.py killed --rounds 10_000
python tests/scripts/make_files.py killed --without posix_fallocate link
"""

import argparse
import contextlib
import errno
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fastcounter import SharedCounter, _files

UNFINISHED = "fastcounter-unfinished-"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=TASKS, help="of several processes, or of one that is killed")
    parser.add_argument("folder", nargs="?", help="where to make the files (default: a temporary folder)")
    parser.add_argument("--rounds", type=int, default=200, help="files, or kills (default: 200)")
    parser.add_argument("--processes", type=int, default=4, help="that make one file together (default: 4)")
    parser.add_argument("--without", nargs="+", default=[], choices=["link", "posix_fallocate"], help="as if not there")
    args = parser.parse_args()
    if "posix_fallocate" in args.without:
        del os.posix_fallocate
    if "link" in args.without:
        os.link = fail_to_link
    with contextlib.ExitStack() as stack:
        if not args.folder:
            args.folder = stack.enter_context(tempfile.TemporaryDirectory())
        TASKS[args.task](Path(args.folder), args)


def fail_to_link(*args, **options):
    raise PermissionError(errno.EPERM, "Operation not permitted")


def make_together(folder, args):
    """All processes make each file, and count 1 there."""
    SharedCounter(folder / "arrived")
    options = ["--rounds", str(args.rounds), "--processes", str(args.processes)]
    options += ["--without", *args.without] if args.without else []
    command = [sys.executable, __file__, "one", str(folder), *options]
    processes = [subprocess.Popen(command) for _ in range(args.processes)]
    statuses = [process.wait() for process in processes]
    assert not any(statuses), statuses
    names = {f"{number}.count" for number in range(args.rounds)}
    assert set(os.listdir(folder)) == {*names, "arrived"}, "there are unfinished files"
    counts = [SharedCounter(folder / name).value for name in names]
    assert counts == [args.processes] * args.rounds, f"{args.processes} processes counted {sorted(set(counts))}"
    print(f"{args.rounds} files, each made by {args.processes} processes at once, all right")


def make_as_one_of_them(folder, args):
    arrived = SharedCounter(folder / "arrived")
    for number in range(args.rounds):
        arrived.increment()
        while arrived.value < args.processes * (number + 1):
            time.sleep(0)
            if os.name != "nt" and os.getppid() == 1:
                sys.exit("the other processes are gone")
        SharedCounter(folder / f"{number}.count").increment()


def make_and_be_killed(folder, args):
    """A process makes file after file until it is killed.  Each is complete, or its name says that it is unfinished."""
    complete = unfinished = 0
    for _ in range(args.rounds):
        process = os.fork()
        if process == 0:
            with contextlib.suppress(BaseException):
                for number in itertools.count():
                    SharedCounter(folder / f"{number}.count", 8 * random.randrange(2000)).increment()
            os._exit(1)
        wanted = random.choice([folder, folder / "0.count"])  # in half of the rounds, at least one file is complete
        while not wanted.exists() and os.waitpid(process, os.WNOHANG) == (0, 0):
            time.sleep(0.001)
        time.sleep(random.random() / 100)
        os.kill(process, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
        for path in folder.iterdir():
            if path.name.startswith(UNFINISHED):
                unfinished += 1
            else:
                check(path)
                complete += 1
            path.unlink()
    print(f"{args.rounds} kills, {complete} complete files, {unfinished} unfinished ones")


def check(path):
    content = path.read_bytes()
    assert len(content) == _files.HEADER.unpack(content[: _files.HEADER.size])[3] >= 4096, path
    assert path.stat().st_blocks * 512 >= len(content), "the file is not allocated"
    assert content[_files.HEADER.size :].strip(b"\0") in (b"", b"\1"), "the memory is not that of one count"
    SharedCounter(path)


TASKS = {"together": make_together, "one": make_as_one_of_them, "killed": make_and_be_killed}

if __name__ == "__main__":
    main()
