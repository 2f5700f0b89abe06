"""One count of requests for all gunicorn workers, kept in a file: `python examples/gunicorn_workers.py`."""

import mmap
import os
import sys
from collections.abc import Callable, Iterable

from gunicorn.app.wsgiapp import run

from fastcounter import SharedCounter


def open_counter(path: str) -> SharedCounter:
    with open(path, "a+b") as file:
        file.truncate(mmap.PAGESIZE)  # zeros the first time, and no change later
        return SharedCounter(mmap.mmap(file.fileno(), mmap.PAGESIZE))


# A FastWriteCounter would be another one in each worker.  The lock of a multiprocessing.Value stays taken for ever
# when a worker is killed that holds it.  And neither would know its count after a restart.
requests = open_counter(os.environ.get("COUNT_FILE", "requests.count"))


def app(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    number = requests.increment_and_get()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"request %d\n" % number]


if __name__ == "__main__":  # the same as: gunicorn --chdir examples --workers 4 gunicorn_workers:app
    sys.argv = ["gunicorn", "--chdir", os.path.dirname(__file__), "--workers", "4", "gunicorn_workers:app"]
    run()
