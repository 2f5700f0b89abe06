"""A counter on a path: its file, who makes it, which files are refused, and how a process maps one."""

import contextlib
import errno
import gc
import os
import pickle
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
import warnings
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import pytest

import fastcounter
from fastcounter import SharedCounter, SharedCounterMap, _files, _mappings, _memory
from helpers import Child, run_python, run_script, run_threads

pytestmark = pytest.mark.processes

HEADER = "=8sIIQ16s24x"
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files, or does not remove a mapped one")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture
def folder(tmp_path):
    """A folder that has nothing but what a test says it has."""
    folder = tmp_path / "counts"
    folder.mkdir()
    return folder


@pytest.fixture
def path(folder):
    return folder / "jobs.count"


def mapping_of(counter):
    return counter.__reduce__()[1][3]


def header_of(path):
    return struct.unpack(HEADER, path.read_bytes()[:64])


# ---- The file ----


def test_all_who_name_the_file_have_its_count(path, monkeypatch):
    class Named:
        def __fspath__(self):
            return os.fsencode(path)

    monkeypatch.chdir(path.parent)
    for number, name in enumerate([path, str(path), Named(), path.name, f"../{path.parent.name}/{path.name}"]):
        assert SharedCounter(name).increment_and_get() == number + 1
    assert os.listdir(path.parent) == [path.name]


def test_the_count_goes_on_in_the_next_program(path):
    code = f"from fastcounter import SharedCounter; print(SharedCounter({str(path)!r}, 64).increment_and_get())"
    assert [run_python("-c", code).stdout for _ in range(3)] == ["1\n", "2\n", "3\n"]
    assert SharedCounter(path, 64).value == 3


def test_what_is_in_the_file(path):
    SharedCounter(path).value = -5
    SharedCounter(path, 4024).value = 7
    content = path.read_bytes()
    magic, byte_order, version, size, file_id = header_of(path)
    assert (magic, byte_order, version, size) == (b"fcCounts", 1, 1, 4096)
    assert len(set(file_id)) > 4
    assert content[40:] == bytes(24) + struct.pack("q", -5) + bytes(4096 - 80) + struct.pack("q", 7)


def test_the_bytes_that_say_what_a_file_holds_differ():
    assert len({_memory.COUNTERS.magic, _memory.MAP.magic}) == 2
    assert len(_memory.MAP.magic) == 8


@pytest.mark.parametrize(
    ("offset", "size"),
    [(0, 4096), (64, 4096), (4024, 4096), (4032, 8192), (8120, 8192), (8128, 12288), (2**20, 1052672)],
)
def test_a_new_file_has_the_pages_that_its_offset_needs(path, offset, size):
    counter = SharedCounter(path, offset)
    counter.add(5)
    assert path.stat().st_size == header_of(path)[3] == size
    assert struct.unpack_from("q", path.read_bytes(), 64 + offset) == (5,)
    assert repr(counter) == f"<SharedCounter at offset {offset}, count 5>"


def test_a_file_keeps_its_size(path):
    SharedCounter(path).add(5)
    before = path.read_bytes()
    for offset in (4032, 2**30, 2**70, -8):
        with pytest.raises(ValueError, match=f"offset {offset} leaves no room for 8 bytes in memory of 4032 bytes"):
            SharedCounter(path, offset)
    with pytest.raises(
        ValueError, match=r"offset 4 in memory of 4032 bytes is at address 0x\w*4, not at a multiple of 8"
    ):
        SharedCounter(path, 4)
    assert path.read_bytes() == before
    with open(path, "ab") as file:
        file.write(bytes(100))  # what is behind the size that the header says is left alone
    with pytest.raises(ValueError, match="4032 bytes"):
        SharedCounter(path, 4032)
    assert SharedCounter(path).value == 5


@pytest.mark.parametrize("offset", [-8, 4, 2**62 + 1, 2**63, 2**70, -(2**70)])
def test_no_file_is_made_for_an_offset_that_no_file_has(path, offset):
    with pytest.raises(ValueError, match=f"jobs.count' is not made: offset {offset} "):
        SharedCounter(path, offset)
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("size", [sys.maxsize, 2**63, 2**70])
def test_no_file_is_made_for_a_size_that_no_file_has(path, size):
    with pytest.raises(ValueError, match=r"jobs.count' is not made: no file can have \d+ bytes of counts"):
        SharedCounterMap(path, size)
    assert os.listdir(path.parent) == []


def test_no_file_is_made_by_a_call_that_fails(path):
    counter = SharedCounter(bytearray(8))
    with pytest.raises(RuntimeError, match="attached already"):
        counter.__init__(path)
    with pytest.raises(TypeError, match="offset must be an integer"):
        SharedCounter(path, "0")
    assert os.listdir(path.parent) == []


@posix
def test_permissions_are_those_of_open(folder):
    before = os.umask(0)
    try:
        for mask in (0, 0o022, 0o027, 0o077):
            os.umask(mask)
            SharedCounter(folder / f"{mask}.count")
            (folder / f"{mask}.txt").touch()
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert [modes[f"{mask}.count"] for mask in (0, 0o022, 0o027, 0o077)] == [0o666, 0o644, 0o640, 0o600]
    assert all(mode == modes[name.replace("txt", "count")] for name, mode in modes.items())


def lacks(monkeypatch, name, error_number):
    """Let a function of os be one that this file system does not have."""

    def fail(*args, **options):
        raise OSError(error_number, os.strerror(error_number))

    monkeypatch.setattr(os, name, fail, raising=False)


@pytest.fixture(params=["posix_fallocate", "none", "one that this file system has not"])
def allocation(request, monkeypatch):
    """Each way to allocate a file on the disk."""
    if request.param == "none":
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    elif request.param == "one that this file system has not":
        lacks(monkeypatch, "posix_fallocate", errno.EOPNOTSUPP)


@pytest.mark.usefixtures("allocation")
def test_a_new_file_has_no_holes(path):
    SharedCounter(path, 3 * 2**20 + 8).add(5)
    status = path.stat()
    assert status.st_size == header_of(path)[3] == 3 * 2**20 + 4096
    assert path.read_bytes()[64:].replace(struct.pack("q", 5), b"").strip(b"\0") == b""
    if hasattr(status, "st_blocks"):
        assert status.st_blocks * 512 >= status.st_size


@pytest.fixture
def full_disk(folder):
    """A folder on a disk of 64 KiB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting takes Linux and root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)  # also if a failed test holds a counter there


@pytest.mark.usefixtures("allocation")
def test_a_full_disk(full_disk):
    path = full_disk / "jobs.count"
    with pytest.raises(OSError, match=rf"No space left on device: {str(path)!r}") as error:
        SharedCounter(path, 2**17)
    assert error.value.errno == errno.ENOSPC
    assert os.listdir(full_disk) == []
    SharedCounter(path).increment()  # there is room for a page
    assert SharedCounter(path).value == 1


@posix
@pytest.mark.usefixtures("allocation")
def test_a_file_that_is_too_large(path):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as error:
            SharedCounter(path, 2**17)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.filename == str(path)
    assert os.listdir(path.parent) == []


def test_errors_name_the_path(folder):
    """A path that open() does not take makes no file."""
    names = ["missing/jobs.count", "missing/", "missing/.", "missing/..", "missing/../jobs.count", "/"]
    for missing in names[: 1 if os.name == "nt" else None]:  # Windows looks only at what is left of a path
        name = os.path.join(folder, missing)
        with pytest.raises((FileNotFoundError, ValueError)) as error:
            SharedCounter(name)
        assert repr(name) in str(error.value)
    with pytest.raises((ValueError, OSError)):
        SharedCounter("na\0me")
    assert os.listdir(folder) == []


@posix
def test_a_folder_that_may_not_be_written_to(path):
    path.parent.chmod(0o555)
    try:
        if os.access(path.parent, os.W_OK):
            pytest.skip("root may write everywhere")
        with pytest.raises(PermissionError) as error:
            SharedCounter(path)
    finally:
        path.parent.chmod(0o755)
    assert error.value.filename == str(path)


@posix
def test_the_longest_name(folder):
    SharedCounter(folder / ("n" * 255)).increment()
    assert SharedCounter(folder / ("n" * 255)).value == 1


@posix
def test_links(folder, monkeypatch):
    """A link to a file is that file.  One that leads to no file leads to the one that is made."""
    (folder / "there").mkdir()
    (folder / "link").symlink_to(folder / "there" / "jobs.count")
    (folder / "other").symlink_to("link")
    SharedCounter(folder / "other").increment()
    SharedCounter(folder / "link").increment()
    assert SharedCounter(folder / "there" / "jobs.count").value == 2
    assert not (folder / "there" / "jobs.count").is_symlink()
    assert os.listdir(folder / "there") == ["jobs.count"]
    (folder / "round").symlink_to("round")
    with pytest.raises(OSError, match="symbolic links"):
        SharedCounter(folder / "round")
    (folder / "there" / "below").mkdir()
    (folder / "elsewhere").symlink_to("there/below")
    monkeypatch.chdir(folder)
    for name in ("elsewhere/../jobs.count", folder / "elsewhere/../jobs.count"):  # as open() takes it
        SharedCounter(name).increment()
    assert SharedCounter(folder / "link").value == 4


# ---- Files that are refused ----


def header(magic=b"fcCounts", byte_order=1, version=1, size=4096):
    return struct.pack(HEADER, magic, byte_order, version, size, bytes(range(16)))


REFUSED = {
    "empty": (b"", "is an empty file: remove it"),
    "text": (b"import os\n" * 500, "is no file of counts: it begins with b'import o'"),
    "short text": (b"im", "is no file of counts: it begins with b'im'"),
    "zeros": (bytes(4096), "is no file of counts: it begins with "),
    "short": (header()[:63], "is damaged: it has 63 bytes, less than the 64 of its header"),
    "no memory": (header(), "is damaged: it has 64 bytes, and its header says 4096"),
    "truncated": (header() + bytes(4031), "is damaged: it has 4095 bytes, and its header says 4096"),
    "size of nothing": (header(size=64) + bytes(4032), "its header says 64"),
    "size of 0": (header(size=0) + bytes(4032), "its header says 0"),
    "largest size": (header(size=2**64 - 1) + bytes(4032), f"its header says {2**64 - 1}"),
    "other byte order": (header(byte_order=2**24) + bytes(4032), "has the other byte order: here it is "),
    "no byte order": (header(byte_order=2) + bytes(4032), "has no known byte order"),
    "version of the future": (header(version=2) + bytes(4032), "has version 2 of the format: .* has version 1"),
    "a map": (
        header(magic=_files.MAP.magic) + bytes(4032),
        "holds .* a SharedCounterMap, not counts of SharedCounters",
    ),
}


def refuse(path, reason):
    """Whatever is at the path is refused."""
    for offset in (0, 64):
        with pytest.raises(ValueError, match=f"{re.escape(repr(str(path)))} {reason}"):
            SharedCounter(path, offset)


@pytest.mark.parametrize("kind", REFUSED)
def test_other_files_are_refused_and_not_written_to(path, kind):
    content, reason = REFUSED[kind]
    path.write_bytes(content)
    os.utime(path, ns=(10**18, 10**18))
    before = path.stat()
    refuse(path, f".*{reason}")
    if os.name != "nt":
        link = path.with_name("link")
        link.symlink_to(path)
        refuse(link, f".*{reason}")
        link.unlink()
    assert path.read_bytes() == content
    after = path.stat()
    assert (after.st_mtime_ns, after.st_size, after.st_mode) == (before.st_mtime_ns, len(content), before.st_mode)
    assert os.listdir(path.parent) == [path.name]


def test_a_file_of_counters_is_no_map(path):
    SharedCounter(path)
    with pytest.raises(ValueError, match=r"holds counts of SharedCounters, not .* SharedCounterMap: use another"):
        _memory.find_memory(path, _memory.MAP, "SharedCounterMap")


def test_a_folder(folder):
    refuse(folder, "is a directory, not a regular file")


@posix
@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero", "/dev/tty", "/dev/stdin"])
def test_devices(device):
    if not os.path.exists(device) or stat.S_ISREG(os.stat(device).st_mode):
        pytest.skip("is not here")
    refuse(device, "is a device, a FIFO or a socket, not a regular file")


@posix
def test_a_socket(path, monkeypatch):
    monkeypatch.chdir(path.parent)  # the address may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)
        refuse(path, "is a device, a FIFO or a socket, not a regular file")


@posix
@pytest.mark.parametrize("link", [False, True], ids=["", "link"])
def test_a_fifo(path, link):
    """It does not block, and whoever waits there for a reader goes on waiting."""
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: open(path, "wb").close())
    writer.start()
    name = path
    if link:
        name = path.with_name("link")
        name.symlink_to(path)
    for _ in range(20):
        refuse(name, "is a device, a FIFO or a socket, not a regular file")
        writer.join(0.005)
    assert writer.is_alive()
    with open(path, "rb"):
        writer.join()


@posix
def test_a_fifo_that_takes_the_place_of_the_file(path, monkeypatch):
    os.mkfifo(path)
    regular = os.stat(__file__)
    monkeypatch.setattr(os, "stat", lambda path, **options: regular)
    with pytest.raises(ValueError, match="not a regular file"):
        SharedCounter(path)


# ---- Several processes, and processes that are killed ----


@pytest.mark.long
@pytest.mark.parametrize("without", ["", "link", "posix_fallocate"])
def test_processes_that_make_one_file_at_once(folder, without):
    if without and os.name == "nt":
        pytest.skip("Windows uses neither")
    options = ["--without", without] if without else []
    rounds = 30 if os.name == "nt" else 200
    assert "all right" in run_script("make_files.py", "together", folder, "--rounds", rounds, *options)


@pytest.mark.long
@needs_fork
@pytest.mark.parametrize("without", ["", "link", "posix_fallocate"])
def test_processes_that_are_killed_while_they_make_one(folder, without):
    """`make_files.py killed --rounds 10_000` does it thousands of times."""
    options = ["--without", without] if without else []
    output = run_script("make_files.py", "killed", folder, "--rounds", 200, *options)
    kills, complete, unfinished = map(int, re.findall(r"\d+", output))
    assert kills == 200
    assert complete > 0 < unfinished  # the kills came at the right moments


@posix
@pytest.mark.parametrize("error_number", [errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_disk_without_hard_links(path, monkeypatch, error_number):
    lacks(monkeypatch, "link", error_number)
    SharedCounter(path).increment()
    _files.make_file(str(path), _files.COUNTERS, 8)  # it was not first
    assert SharedCounter(path).value == 1
    assert os.listdir(path.parent) == [path.name]


@needs_fork
def test_a_fork_while_the_folder_is_locked(folder, monkeypatch):
    """The child has the lock's descriptor too.  Nobody waits until it ends."""
    rename = os.rename
    children = []

    def fork_and_rename(*args):
        children.append(Child(signal.pause))
        rename(*args)

    lacks(monkeypatch, "link", errno.EPERM)
    monkeypatch.setattr(os, "rename", fork_and_rename)
    try:
        SharedCounter(folder / "one")
        monkeypatch.setattr(os, "rename", rename)
        assert Child(lambda: SharedCounter(folder / "two"), patience=10).wait() == 0
    finally:
        for child in children:
            child.kill()
            child.wait()
    assert len(children) == 1


@posix
def test_errors_of_linking_that_are_others(path, monkeypatch):
    lacks(monkeypatch, "link", errno.EIO)
    with pytest.raises(OSError, match=rf"error: {str(path)!r}$"):
        SharedCounter(path)
    assert os.listdir(path.parent) == []


@posix
def test_a_file_that_is_removed_again_and_again(path):
    """A counter that is made meanwhile has a file: the one that was there, or one that it has made."""
    finished = threading.Event()

    def remove():
        while not finished.is_set():
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def make():
        try:
            for _ in range(300):
                SharedCounter(path).increment()
        finally:
            finished.set()

    run_threads(make, remove)
    assert [name for name in os.listdir(path.parent) if name != path.name] == []


# ---- Pickling ----


def test_a_pickle_names_the_absolute_path(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    counter = SharedCounter(path.name, 64)
    monkeypatch.chdir("/")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(counter, protocol)
        result = run_python("-c", f"import pickle; pickle.loads({data!r}).increment()", cwd=path.parent.parent)
        assert (result.returncode, result.stderr) == (0, "")
        assert set(re.findall(rb"c(fastcounter.*)\n", pickle.dumps(counter, 0))) == {b"fastcounter"}
    assert counter.value == pickle.HIGHEST_PROTOCOL + 1
    assert repr(pickle.loads(data)) == repr(counter) == "<SharedCounter at offset 64, count 6>"
    assert os.listdir(path.parent) == [path.name]


@posix
def test_unpickling_makes_no_file(path):
    counter = SharedCounter(path)
    data = pickle.dumps(counter)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=f"the file of a pickled counter is gone: {str(path)!r}"):
        pickle.loads(data)
    assert os.listdir(path.parent) == []
    counter.increment()
    assert counter.value == 1


@posix
def test_unpickling_wants_the_file_that_was_pickled(path):
    data = pickle.dumps(SharedCounter(path))
    path.unlink()
    SharedCounter(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is not the file that was pickled: another one has taken its place"):
        pickle.loads(data)
    assert path.read_bytes() == before
    for content, reason in (REFUSED["empty"], REFUSED["text"]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=reason):
            pickle.loads(data)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ValueError, match="not a regular file"):
        pickle.loads(data)


def test_a_file_that_was_moved_away_and_back(path):
    data = pickle.dumps(SharedCounter(path, 8))
    gc.collect()
    path.rename(path.with_name("other"))
    path.with_name("other").rename(path)
    pickle.loads(data).increment()
    assert SharedCounter(path, 8).value == 1


@pytest.mark.parametrize("path", [5, 0, None, "", "no such file", "na\0me", "n" * 5000, b"", ("a",)])
def test_pickles_with_other_paths(path):
    with pytest.raises((TypeError, ValueError, OSError)):
        fastcounter._attach_file(path, bytes(16))


# ---- How a process maps a file ----


def test_all_counters_on_a_file_share_one_mapping(path):
    counters = [SharedCounter(path, 8 * number) for number in range(200)]
    counters += pickle.loads(pickle.dumps(counters))
    counters += [pickle.loads(pickle.dumps(counter)) for counter in counters]
    if os.name != "nt":
        os.link(path, path.with_name("hard"))
        path.with_name("soft").symlink_to(path)
        counters += [SharedCounter(path.with_name(name)) for name in ("hard", "soft")]
    assert len({id(mapping_of(counter)) for counter in counters}) == 1
    maps = Path("/proc/self/maps")
    if maps.exists() and os.name != "nt":
        assert maps.read_text().count(path.name) == 1
        descriptors = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
        assert descriptors.count(str(path)) == (sys.version_info < (3, 13))
    del counters[:]
    gc.collect()
    if maps.exists() and os.name != "nt":
        assert path.name not in maps.read_text()
    other = SharedCounter(path.with_name("other"))
    assert mapping_of(other) in [view and view.obj for view in map(_mappings.look_up, _mappings.mappings)]
    assert None not in map(_mappings.look_up, _mappings.mappings)  # what is freed is forgotten by then


@posix
def test_a_new_file_at_the_same_path(path):
    counters = []
    for _ in range(5):
        counters.append(SharedCounter(path))
        counters[-1].add(len(counters))
        path.unlink()
    assert [counter.value for counter in counters] == [1, 2, 3, 4, 5]
    assert os.listdir(path.parent) == []


def test_the_number_of_a_file_is_used_again(folder, monkeypatch):
    """Files that differ in nothing but their ids are not taken for one."""
    monkeypatch.setattr(_files, "identity_of", lambda status: (0, 0))
    one, two = SharedCounter(folder / "one"), SharedCounter(folder / "two")
    one.add(5)
    assert (one.value, two.value) == (5, 0)


@posix
def test_a_copy_of_a_file(folder):
    """Files that have one id are not taken for one."""
    one = SharedCounter(folder / "one")
    (folder / "two").write_bytes((folder / "one").read_bytes())
    one.increment()
    assert (one.value, SharedCounter(folder / "two").value) == (1, 0)


def test_threads_that_attach_at_once(folder, monkeypatch):
    made = []

    class Counted(_files.FileMapping):
        def __new__(cls, *args, **options):
            made.append(args)
            time.sleep(0)
            return super().__new__(cls, *args, **options)

    monkeypatch.setattr(_files, "FileMapping", Counted)
    for number in range(100):
        path = folder / f"{number}.count"

        def attach(path=path):
            counter = SharedCounter(path)
            counter.increment()
            return counter

        counters = run_threads(*[attach] * 4)
        assert [counter.value for counter in counters] == [4] * 4
        assert len({id(mapping_of(counter)) for counter in counters}) == 1
    assert len(made) == len(os.listdir(folder)) == 100


@pytest.mark.skipif(os.name != "nt", reason="only there a file cannot be opened while it gets its name")
def test_a_file_that_gets_its_name_just_then(path, monkeypatch):
    SharedCounter(path)
    failures = [PermissionError(13, "Permission denied")] * 3
    open_it = os.open

    def fail_at_first(*args):
        if failures:
            raise failures.pop()
        return open_it(*args)

    monkeypatch.setattr(os, "open", fail_at_first)
    SharedCounter(path)
    assert not failures
    failures += [PermissionError(13, "Permission denied")] * 1000
    with pytest.raises(PermissionError):
        SharedCounter(path)


@needs_fork
def test_a_forked_child_goes_on_with_the_mapping(path):
    counter = SharedCounter(path)

    def work():
        SharedCounter(path).increment()
        counter.increment()
        pickle.loads(pickle.dumps(counter)).increment()
        assert mapping_of(counter) is mapping_of(SharedCounter(path))

    assert Child(work, patience=10).wait() == 0
    assert counter.value == 3


def attach_and_count(path):
    SharedCounter(path).increment()


@pytest.mark.long
@needs_fork
def test_forks_while_threads_attach(path):
    """A child attaches counters whatever the threads of its parent were doing.

    They share no attribute or variable with the child: without the GIL, CPython may lock what has it.
    """
    finished = threading.Event()
    kept = SharedCounter(path)
    data = pickle.dumps(kept)
    statuses = []

    def attach(path=str(path), data=data):
        while not finished.is_set():
            SharedCounter(path).increment()
            pickle.loads(data).increment()

    def fork(path=str(path)):
        try:
            while len(statuses) < 200 and not any(statuses):
                statuses.append(Child(attach_and_count, path, patience=30).wait())
        finally:
            finished.set()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12: a fork while there are threads
        run_threads(attach, attach, attach, fork)
    assert statuses == [0] * 200


@needs_fork
def test_a_signal_handler_that_attaches(path, monkeypatch):
    """It runs just when its thread maps the same file."""
    SharedCounter(path)
    signals, handled = [], []

    class Interrupted(_files.FileMapping):
        def __new__(cls, *args, **options):
            if not signals:
                signals.append(signal.SIGUSR1)
                signal.raise_signal(signal.SIGUSR1)
            return super().__new__(cls, *args, **options)

    def attach():
        signal.signal(signal.SIGUSR1, lambda signum, frame: handled.append(SharedCounter(path)))
        counter = SharedCounter(path)
        assert len(handled) == 1
        assert mapping_of(counter) is mapping_of(handled[0])

    monkeypatch.setattr(_files, "FileMapping", Interrupted)
    assert Child(attach, patience=10).wait() == 0


@pytest.mark.skipif(sys.version_info < (3, 12), reason="3.12 is the first with isolated interpreters")
def test_interpreters(path):
    code = (
        "from fastcounter import SharedCounter\n"
        f"counters = [SharedCounter({str(path)!r}) for _ in range(10)]\n"
        "for counter in counters:\n"
        "    counter.increment()\n"
        "assert len({id(counter.__reduce__()[1][3]) for counter in counters}) == 1"
    )
    counter = SharedCounter(path)
    assert "all right" in run_script("interpreters.py", "--rounds", 3, "--interpreters", 4, "--code", code)
    assert counter.value == 3 * 4 * 10


def test_a_path_needs_no_multiprocessing(path):
    code = (
        f"import sys, fastcounter, pickle; counter = fastcounter.SharedCounter({str(path)!r});"
        "pickle.loads(pickle.dumps(counter)).increment(); print(counter.value);"
        "print({'multiprocessing', 'ctypes', 'tempfile'} & {*sys.modules})"
    )
    assert run_python("-c", code).stdout == "1\nset()\n"


# ---- What a map asks for ----


def find(memory, size=None):
    return _memory.find_memory(memory, _memory.MAP, "SharedCounterMap", size)


@pytest.mark.parametrize("size", [None, 4096, 2**20 + 8, 100])
def test_memory_for_a_map(path, size):
    wanted = 2**20 if size is None else size
    own, begin = find(None, size)
    assert memoryview(own).nbytes - begin >= wanted  # it begins where a cache line does
    assert not any(bytes(own))
    view, begin = find(path, size)
    assert (len(view), begin, bytes(view[64:])) == (64 + wanted, 64, bytes(wanted))
    assert header_of(path)[::3] == (_memory.MAP.magic, 64 + wanted)
    assert find(str(path), size)[0] is view
    assert pickle.loads(pickle.dumps(_memory.picklable(view, "SharedCounterMap"))) is view


def test_a_map_that_wants_more_than_its_file_has(path):
    view, _ = find(path, 4096)
    for size in (None, 4096, 64):
        assert find(path, size)[0] is view
    with pytest.warns(RuntimeWarning, match=r"jobs.count' has memory of 4096 bytes .* the size of 4104") as warned:
        assert find(path, 4104)[0] is view
    assert warned[0].filename == __file__
    assert path.stat().st_size == 4160


def test_a_size_for_memory_that_has_one():
    memory = SharedMemory(create=True, size=4096)
    try:
        assert find(memory)[1] == 0
        with pytest.raises(ValueError, match="size is for memory that a SharedCounterMap makes"):
            find(memory, 4096)
    finally:
        memory.close()
        memory.unlink()


def test_whether_a_path_still_is_its_file(path):
    view, _ = find(path)
    assert not view.obj.is_replaced()
    if os.name == "nt":
        return  # Windows does not let go of a mapped file
    path.rename(path.with_name("away"))
    assert view.obj.is_replaced()
    path.with_name("away").rename(path)
    assert not view.obj.is_replaced()
    path.unlink()
    find(path)
    assert view.obj.is_replaced()
    path.unlink()
    path.parent.rename(path.parent.with_name("moved"))
    path.parent.touch()
    assert view.obj.is_replaced()
