"""The memory that counters find for themselves, and how memory goes to other processes.

multiprocessing is imported only where it is needed: it takes long, and some interpreters cannot.
"""

import contextlib
import importlib
import mmap
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

import fastcounter
from fastcounter import _files, _mappings
from fastcounter._files import COUNTERS, MAP, Kind
from fastcounter._mappings import Mapping

if TYPE_CHECKING:
    from multiprocessing.shared_memory import SharedMemory

__all__ = ["COUNTERS", "MAP", "find_memory", "picklable"]

MAP_SIZE = 2**20  # of memory that is made for a map, if no other size is wanted


def find_memory(memory: object, kind: Kind, name: str, size: int | None = None) -> tuple[Any, int]:
    """Return the buffer to count in, and how many of its first bytes are the header of a file.

    `memory` is None, a path or a SharedMemory; TypeError is raised if it is anything else.  `kind` says what a file has
    to hold, and `name` is that of the counter's class.

    `size` is how many bytes of memory a map wants, or where a count ends in its memory.  Memory is made for that, if
    `memory` is None or the path of no file.  A SharedCounter's own memory always has 64 bytes, and its file has whole
    pages.
    """
    wanted = MAP_SIZE if size is None else size
    if isinstance(memory, (str, os.PathLike)):
        path = os.fsdecode(memory)
        view = _files.open_file(path, kind, wanted)
        found = view.nbytes - _files.HEADER.size
        if kind is MAP and size is not None and found < size:
            warnings.warn(
                f"{path!r} has memory of {found} bytes and keeps it: that is less than the size of {size}",
                RuntimeWarning,
                stacklevel=2,
            )
        return view, _files.HEADER.size
    if memory is None and kind is COUNTERS:
        return make_memory(name, 64), 0  # so that no two counters are in one cache line
    if memory is None:
        import ctypes

        buffer = make_memory(name, wanted + 56)  # whose address is a multiple of 8
        return buffer, -ctypes.addressof(buffer) % 64  # where a cache line begins, also in other processes
    from multiprocessing.shared_memory import SharedMemory

    if isinstance(memory, SharedMemory):
        if kind is MAP and size is not None:
            raise ValueError(f"size is for memory that a {name} makes, and a SharedMemory has its size")
        return map_shared_memory(memory), 0
    hint = ""
    if hasattr(memory, "get_obj"):
        hint = "; pass what its .get_obj() returns"
    elif type(memory).__name__ == "SharedMemory":
        hint = f" of {type(memory).__module__}; make it by multiprocessing.shared_memory, or pass a path"
    raise TypeError(f"memory must be a writable buffer, not {type(memory).__name__}{hint}")


def make_memory(name: str, size: int) -> Any:
    """Take memory from multiprocessing's heap."""
    from multiprocessing import process, sharedctypes

    # multiprocessing sets this while a child imports the program, and refuses to start processes then.
    if getattr(process.current_process(), "_inheriting", False):
        warnings.warn(
            f"a {name} made while a child process imports the program counts apart from the parent's:"
            " make it on a path, or under `if __name__ == '__main__':` and pass it to the child",
            RuntimeWarning,
            stacklevel=3,
        )
    return sharedctypes.RawArray("b", size)


def mapping_of(buffer: object) -> Any:
    """Return the Mapping that this views, or None."""
    mapping = buffer.obj if isinstance(buffer, memoryview) else None
    # Not isinstance(): a package that was imported before has another class.
    return mapping if hasattr(mapping, "fastcounter_header_size") else None


# ---- SharedMemory ----


class SharedMemoryMapping(Mapping):
    """A mapping of a SharedMemory.

    A SharedMemory cannot be closed while anybody holds its `buf`.  But the garbage collector and the end of a program
    may close it before they free the counters.  Python would print a BufferError then.
    """

    memory: "SharedMemory | None"  # kept alive, so that no other one has its id


def map_shared_memory(memory: "SharedMemory") -> Any:
    if memory.buf is None:
        raise ValueError("the SharedMemory is closed")
    descriptor = getattr(memory, "_fd", -1)
    if descriptor == -1 and sys.platform != "win32":
        return memory.buf  # a version of Python in which SharedMemory has changed
    return map_named(descriptor, memory.name, memory)


def map_named(descriptor: int, name: str, memory: "SharedMemory | None" = None) -> memoryview:
    # Some systems have whole pages, and show them to all but the SharedMemory that has made them.
    if sys.platform == "win32":
        size = -(-memory.size // mmap.PAGESIZE) * mmap.PAGESIZE
    else:
        size = os.fstat(descriptor).st_size

    def make() -> SharedMemoryMapping:
        if sys.platform == "win32":
            mapping = SharedMemoryMapping(-1, size, tagname=name)
        else:
            mapping = SharedMemoryMapping(descriptor, size, **_mappings.OPTIONS)
        mapping.found_by = fastcounter._attach, (name,)
        mapping.memory = memory if identity is None else None
        return mapping

    identity = identity_of(descriptor, name)
    if identity is not None:
        return _mappings.map_once((identity, size), make)
    return memoryview(make()) if memory is None else _mappings.map_once(id(memory), make)


def identity_of(descriptor: int, name: str) -> object:
    """Return what no other SharedMemory has as long as this one is mapped, or None if the system does not say.

    Windows gives a name to another memory only when nobody maps this one; elsewhere that can happen at any time.
    """
    if sys.platform == "win32":
        return name
    status = os.fstat(descriptor)
    return (status.st_dev, status.st_ino) if status.st_ino else None  # macOS has no such number here


def map_by_name(name: str) -> Any:
    """Map the SharedMemory of that name, which another process has made, without tracking it.

    If this process tracked it and were no child of the other one, the memory would be unlinked when this process ends
    (python/cpython#82300).
    """
    if sys.version_info < (3, 13) and sys.platform != "win32":  # SharedMemory always tracks
        descriptor = importlib.import_module("_posixshmem").shm_open("/" + name, os.O_RDWR)
        try:
            return map_named(descriptor, name)
        finally:
            os.close(descriptor)
    from multiprocessing.shared_memory import SharedMemory

    options = {"track": False} if sys.version_info >= (3, 13) else {}
    with contextlib.closing(SharedMemory(name, **options)) as memory:
        return map_shared_memory(memory)


# ---- Pickling ----


def picklable(buffer: Any, name: str) -> Any:
    """Return an object whose pickle is the same memory in another process.  `name` is that of the counter's class."""
    mapping = mapping_of(buffer)
    if mapping is not None:
        return mapping
    if hasattr(buffer, "_wrapper"):  # a RawArray or a RawValue
        from multiprocessing.context import get_spawning_popen

        # Packages that start processes in their own way have classes of their own, and picklers that cannot do this.
        if any(each.__module__.startswith("multiprocessing.") for each in type(get_spawning_popen()).__mro__):
            return Inherited(buffer)
        raise TypeError(
            f"a {name} in memory of multiprocessing's heap can be pickled only while multiprocessing starts a process:"
            " pass it as an argument of multiprocessing's Process, or in the initargs of its Pool or of a"
            " ProcessPoolExecutor of concurrent.futures.  Processes of billiard, joblib, loky or multiprocess cannot"
            f" take it.  A {name} on a path can be pickled at any time, for all of them"
        )
    raise TypeError(
        f"a {name} in memory of type {type(buffer).__name__} cannot be pickled: make it on a path or on a"
        " multiprocessing.shared_memory.SharedMemory, or make one in the other process, attached to the same memory"
    )


class Inherited:
    """Pickles a RawArray or a RawValue as multiprocessing does; other picklers would copy its bytes."""

    def __init__(self, buffer: Any) -> None:
        self.buffer = buffer

    def __reduce__(self) -> Any:
        from multiprocessing import sharedctypes

        return sharedctypes.reduce_ctype(self.buffer)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
