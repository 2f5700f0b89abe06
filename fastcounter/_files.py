"""Files of counts: what they begin with, how one is made, and how a process maps one."""

import contextlib
import errno
import mmap
import os
import stat
import struct
import sys
import time
from typing import NamedTuple

import fastcounter
from fastcounter import _mappings
from fastcounter._mappings import Mapping

# ---- The header ----

# A file begins with these 64 bytes, in native byte order.  Nothing ever writes to them again.
#
#     0   8 bytes   what the file holds: the `magic` of a Kind
#     8   uint32    1; with the other byte order it reads as 2**24
#    12   uint32    the version of this format
#    16   uint64    the size of the file in bytes, with the header
#    24  16 bytes   a random id, by which a file is known if another one takes its place
#    40  24 bytes   zeros
HEADER = struct.Struct("=8sIIQ16s24x")
BYTE_ORDER, OTHER_BYTE_ORDER = 1, 2**24
VERSION = 1


class Kind(NamedTuple):
    """What a file holds."""

    magic: bytes
    name: str


COUNTERS = Kind(b"fcCounts", "counts of SharedCounters")
MAP = Kind(b"fcLabels", "the counts of a SharedCounterMap")


class Header(NamedTuple):
    magic: bytes
    byte_order: int
    version: int
    size: int
    file_id: bytes


def read_header(path: str, descriptor: int, size: int) -> Header:
    """Return the header of a file of so many bytes.  Raise ValueError if it is no file of counts, or is damaged."""
    found = os.read(descriptor, HEADER.size)
    if not found:
        raise ValueError(f"{path!r} is an empty file: remove it, and it is made anew")
    names = {kind.magic: kind.name for kind in (COUNTERS, MAP)}
    if found[:8] not in names:
        raise ValueError(f"{path!r} is no file of counts: it begins with {found[:8]!r}, not with one of {[*names]}")
    if len(found) < HEADER.size:
        raise ValueError(f"{path!r} is damaged: it has {len(found)} bytes, less than the {HEADER.size} of its header")
    header = Header(*HEADER.unpack(found))
    if header.byte_order != BYTE_ORDER:
        what = "the other" if header.byte_order == OTHER_BYTE_ORDER else "no known"
        raise ValueError(f"{path!r} has {what} byte order: here it is {sys.byteorder}")
    if header.version != VERSION:
        raise ValueError(f"{path!r} has version {header.version} of the format: this fastcounter has version {VERSION}")
    if not HEADER.size < header.size <= size:
        raise ValueError(f"{path!r} is damaged: it has {size} bytes, and its header says {header.size}")
    return header


# ---- Mapping a file ----


class FileMapping(Mapping):
    """A mapping of a file of counts."""

    fastcounter_header_size = HEADER.size
    path: str  # absolute
    identity: tuple[int, int]  # the file's device and number there, which no other file has while this is mapped

    def is_replaced(self) -> bool:
        if sys.platform == "win32":  # which neither removes nor renames a mapped file
            return False
        try:
            return identity_of(os.stat(self.path)) != self.identity
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:  # this process may not look
            return False


def identity_of(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def check_regular(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        what = "a directory" if stat.S_ISDIR(status.st_mode) else "a device, a FIFO or a socket"
        raise ValueError(f"{path!r} is {what}, not a regular file")


# If a FIFO has taken the file's place since it was looked at, opening it does not block.
FLAGS = os.O_RDWR | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def map_file(path: str, kind: Kind | None = None, file_id: bytes | None = None) -> memoryview:
    """Map an existing file that has this kind and id, or any.  Nothing is written to it.

    Raise OSError if it cannot be opened, and ValueError if it is another one.
    """
    check_regular(path, os.stat(path))  # opening a device or a FIFO can have effects
    descriptor = os.open(path, FLAGS)
    try:
        status = os.fstat(descriptor)
        check_regular(path, status)
        header = read_header(path, descriptor, status.st_size)
        if kind and header.magic != kind.magic:
            other = MAP if kind is COUNTERS else COUNTERS
            raise ValueError(f"{path!r} holds {other.name}, not {kind.name}: use another file")
        if file_id not in (None, header.file_id):
            raise ValueError(f"{path!r} is not the file that was pickled: another one has taken its place")
        identity = identity_of(status)

        def make() -> FileMapping:
            mapping = FileMapping(descriptor, header.size, **_mappings.OPTIONS)
            mapping.path, mapping.identity = path, identity
            mapping.found_by = fastcounter._attach_file, (path, header.file_id)
            return mapping

        return _mappings.map_once((*identity, header.file_id), make)
    finally:
        os.close(descriptor)


def map_pickled_file(path: str, file_id: bytes) -> memoryview:
    """Map the file that was pickled.  It is never made."""
    try:
        return map_file(os.fsdecode(path), file_id=file_id)
    except FileNotFoundError as error:
        raise FileNotFoundError(error.errno, "the file of a pickled counter is gone", path) from None


def open_file(path: str, kind: Kind, size: int) -> memoryview:
    """Map the file of that path.  If there is none, make one that has so many bytes behind its header."""
    if not os.path.isabs(path):
        path = os.path.join(os.getcwd(), path)  # os.path.abspath() would shorten "link/../file", which open() does not
    for tries in range(1000):  # more than once if another process removes it just when it has been made
        try:
            return map_file(path, kind)
        except FileNotFoundError:
            pass
        except PermissionError:
            # While another process gives a new file its name, Windows does not let anybody open it.
            if sys.platform != "win32" or tries == 50:
                raise
            time.sleep(0.001)
            continue
        try:
            make_file(path, kind, size)
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from error  # not with the name of the unfinished file
    raise FileNotFoundError(errno.ENOENT, "the file is removed each time it has been made", path)


# ---- Making a file ----


def make_file(path: str, kind: Kind, size: int) -> None:
    """Make a file that is complete when it appears, unless another process is first."""
    if kind is COUNTERS:  # `size` is the end of one count
        if size < 8 or size % 8 or size > sys.maxsize - HEADER.size - mmap.PAGESIZE:
            raise ValueError(f"{path!r} is not made: offset {size - 8} is no multiple of 8 that a file can have")
        size = -(-(HEADER.size + size) // 4096) * 4096
    elif size > sys.maxsize - HEADER.size:
        raise ValueError(f"{path!r} is not made: no file can have {size} bytes of counts")
    else:
        size += HEADER.size
    for _ in range(40):  # more links are an error of open()
        if not os.path.islink(path):
            break
        path = os.path.join(os.path.dirname(path), os.readlink(path))  # leads to no file, so this is the one to make
    unfinished = os.path.join(os.path.dirname(path), f"fastcounter-unfinished-{os.urandom(8).hex()}")
    file = open(unfinished, "xb")  # noqa: SIM115 - Windows removes no open file
    try:
        with file:
            allocate(file.fileno(), size)
            file.write(HEADER.pack(kind.magic, BYTE_ORDER, VERSION, size, os.urandom(16)))
            file.flush()
            os.fsync(file.fileno())  # so that no power loss leaves a file without a header
        publish(unfinished, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished)


def allocate(descriptor: int, size: int) -> None:
    """Make the file that large, on the disk: if the disk is full, raise OSError.

    Where a file has holes, a full disk ends the process that counts there, by SIGBUS.
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
            return
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):  # this file system has no such call
                raise
    zeros = bytes(min(size, 2**20))
    with open(descriptor, "wb", closefd=False) as file:
        for start in range(0, size, len(zeros)):
            file.write(zeros[: size - start])
    os.lseek(descriptor, 0, os.SEEK_SET)


# What os.link() fails with where there are no hard links, or where a policy forbids them.
NO_LINKS = {errno.EACCES, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EPERM}


def publish(unfinished: str, path: str) -> None:
    """Give the file its name in one step, unless another file has that name."""
    try:
        if sys.platform == "win32":
            os.rename(unfinished, path)  # fails there if the other file exists
        else:
            os.link(unfinished, path)
    except FileExistsError:
        pass
    except OSError as error:
        if sys.platform == "win32" or error.errno not in NO_LINKS:
            raise
        rename_if_first(unfinished, path)


def rename_if_first(unfinished: str, path: str) -> None:
    """Do the same without hard links: whoever makes a file in the folder holds a lock on the folder.

    If a process is killed, the kernel unlocks it.
    """
    import fcntl

    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        try:
            if not os.path.lexists(path):
                os.rename(unfinished, path)
        finally:
            fcntl.flock(folder, fcntl.LOCK_UN)  # closing it would not, if another thread has forked meanwhile
    finally:
        os.close(folder)
