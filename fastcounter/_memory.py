"""The memory that a SharedCounter finds for itself, and how memory goes to other processes.

This imports multiprocessing, so fastcounter imports it only where it is needed.
"""

import contextlib
import importlib
import mmap
import os
import sys
import warnings
import weakref
from multiprocessing import process, sharedctypes
from multiprocessing.context import get_spawning_popen
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import fastcounter


def find_buffer(memory: object) -> Any:
    """Return the buffer to count in if `memory` is None or a SharedMemory.  Raise TypeError if it is anything else."""
    if memory is None:
        # multiprocessing sets this while a child imports the program, and refuses to start processes then.
        if getattr(process.current_process(), "_inheriting", False):
            warnings.warn(
                "a SharedCounter made while a child process imports the program counts apart from the parent's:"
                " make it under `if __name__ == '__main__':` and pass it to the child",
                RuntimeWarning,
                stacklevel=2,
            )
        return sharedctypes.RawArray("q", 8)  # 64 bytes, so that no two counters are in one cache line
    if isinstance(memory, SharedMemory):
        return map_shared_memory(memory)
    hint = "; pass what its .get_obj() returns" if hasattr(memory, "get_obj") else ""
    raise TypeError(f"memory must be a writable buffer, not {type(memory).__name__}{hint}")


# ---- SharedMemory ----


class Mapping(mmap.mmap):
    """A mapping of a SharedMemory, made for counters.

    A SharedMemory cannot be closed while anybody holds its `buf`.  But the garbage collector and the end of a program
    may close it before they free the counters.  Python would print a BufferError then.
    """

    shared_memory_name: str
    memory: SharedMemory  # kept alive, if this process has one

    def __reduce__(self) -> tuple[Any, ...]:
        return fastcounter._attach, (self.shared_memory_name,)


def make_mapping(descriptor: int, size: int, name: str) -> Mapping:
    if sys.platform == "win32":
        mapping = Mapping(-1, size, tagname=name)
    else:
        mapping = Mapping(descriptor, size)
    mapping.shared_memory_name = name
    return mapping


# By the id of the SharedMemory.  All counters in it use one mapping, because a mapping takes a file descriptor.
mappings: weakref.WeakValueDictionary[int, Mapping] = weakref.WeakValueDictionary()


def map_shared_memory(memory: SharedMemory) -> Any:
    if memory.buf is None:
        raise ValueError("the SharedMemory is closed")
    mapping = mappings.get(id(memory))
    if mapping is None:
        descriptor = getattr(memory, "_fd", -1)
        if descriptor == -1 and sys.platform != "win32":
            return memory.buf  # a version of Python in which SharedMemory has changed
        mapping = mappings[id(memory)] = make_mapping(descriptor, memory.size, memory.name)
        mapping.memory = memory
    return mapping


def attach(name: str) -> Any:
    """Map the SharedMemory of that name, which another process has made, without tracking it.

    If this process tracked it and were no child of the other one, the memory would be unlinked when this process ends
    (python/cpython#82300).
    """
    if sys.version_info < (3, 13) and sys.platform != "win32":  # SharedMemory always tracks
        descriptor = importlib.import_module("_posixshmem").shm_open("/" + name, os.O_RDWR)
        try:
            return make_mapping(descriptor, os.fstat(descriptor).st_size, name)
        finally:
            os.close(descriptor)
    options = {"track": False} if sys.version_info >= (3, 13) else {}
    with contextlib.closing(SharedMemory(name, **options)) as memory:
        return map_shared_memory(memory)


# ---- Pickling ----


def picklable(buffer: Any, name: str) -> Any:
    """Return an object whose pickle is the same memory in another process.  `name` is that of the counter's class."""
    if hasattr(buffer, "_wrapper"):  # a RawArray or a RawValue
        if get_spawning_popen() is None:
            raise TypeError(
                f"a {name} can be pickled only while a process is being started: pass it as an argument of Process or"
                " in the initargs of a pool, or make it on a multiprocessing.shared_memory.SharedMemory"
            )
        return Inherited(buffer)
    if hasattr(buffer, "shared_memory_name"):  # a Mapping
        return buffer
    raise TypeError(
        f"a {name} in memory of type {type(buffer).__name__} cannot be pickled: make it without memory or on a"
        " multiprocessing.shared_memory.SharedMemory, or make one in the other process, attached to the same memory"
    )


class Inherited:
    """Pickles a RawArray or a RawValue as multiprocessing does; other picklers would copy its bytes."""

    def __init__(self, buffer: Any) -> None:
        self.buffer = buffer

    def __reduce__(self) -> Any:
        return sharedctypes.reduce_ctype(self.buffer)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
