"""Mappings of memory that has a name: all counters of a process, or of an interpreter, on one memory share one."""

import mmap
import os
import sys
import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Any

# From 3.13 on, a mapping need not hold a file descriptor.  Nobody can then close it by mistake, as daemons do.
OPTIONS: dict[str, Any] = {"trackfd": False} if sys.version_info >= (3, 13) and sys.platform != "win32" else {}


class Mapping(mmap.mmap):
    """A mapping made for counters.  Unpickling it maps the same memory where it is unpickled."""

    found_by: tuple[Callable[..., Any], tuple[Any, ...]]  # what unpickling calls
    fastcounter_header_size = 0  # how many of its first bytes are no counts

    def __reduce__(self) -> tuple[Any, ...]:
        return self.found_by


# The lock is held for a look-up and one call of mmap.  It is an RLock, because a signal handler or a finalizer may
# attach a counter while its thread holds the lock.  A forked child gets a lock of its own, since another thread may
# have held its parent's.
lock = threading.RLock()

# The values are memoryviews, since all counters on a memory hold the same one: without the GIL, each mmap has a lock,
# which may be taken in a forked child, by a thread that is not there.  A memoryview has none.
mappings: dict[Hashable, weakref.ref[memoryview]] = {}


def make_lock() -> None:
    global lock
    lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=make_lock)


def map_once(key: Hashable, make: Callable[[], Mapping]) -> memoryview:
    """Return a view of this process's mapping of the memory that has the key.  Call make() if there is none.

    The key has to be one that no other memory can have as long as this one is mapped.
    """
    with lock:
        found = look_up(key)
        if found is not None:
            return found
        view = memoryview(make())
        found = look_up(key)  # a signal handler may have mapped it meanwhile
        if found is not None:
            return found
        for each in [each for each in [*mappings] if look_up(each) is None]:
            mappings.pop(each, None)
        mappings[key] = weakref.ref(view)
        return view


def look_up(key: Hashable) -> memoryview | None:
    reference = mappings.get(key)
    return None if reference is None else reference()
