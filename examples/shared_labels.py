"""Counters for labels that nobody knew in advance, in a file that processes share: gunicorn_labels.py uses it."""

import fcntl
import mmap
import os
import threading

from fastcounter import SharedCounter

SLOT, SIZE = 256, 2**20  # bytes of a slot, and of the file
# The first slot holds HEADER and, at byte 64, the number of labels.  Each other slot holds a count, a label and END.
HEADER = f"counts of up to {SIZE // SLOT - 1} labels of up to {SLOT - 9} bytes".encode()
END = b"\xff"  # UTF-8 never has this byte
# A child would hold the lock on the file together with its parent, even after the parent's death.  So forks wait.
adding = threading.RLock()
os.register_at_fork(before=adding.acquire, after_in_parent=adding.release, after_in_child=adding.release)


class SharedLabels(dict[str, SharedCounter]):
    """`counts[label].increment()` takes a lock only where a process first uses a label.  Never delete a label."""

    def __init__(self, path: str) -> None:
        with adding, open(path, "a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # if the process is killed, the kernel unlocks the file
            if not HEADER.startswith(found := os.pread(file.fileno(), len(HEADER), 0)):
                raise ValueError(f"{path!r} begins with {found!r}, not with {HEADER!r}: use another file")
            file.write(HEADER.ljust(SIZE, b"\0")[file.seek(0, os.SEEK_END) :])  # all, or what a killed process left out
            self.path, self.memory = os.path.abspath(path), mmap.mmap(file.fileno(), SIZE)
            fcntl.flock(file, fcntl.LOCK_UN)  # closing would not, since the mmap has a duplicate of the descriptor
        self.used = SharedCounter(self.memory, 64)

    def read(self) -> None:
        """Take in the labels that other processes have added.  This takes no lock."""
        for start in range(SLOT * (1 + len(self)), SLOT * (1 + self.used.value), SLOT):
            label = self.memory[start + 8 : start + SLOT].partition(END)[0].decode()
            self[label] = SharedCounter(self.memory, start)

    def __missing__(self, label: str) -> SharedCounter:
        with adding, open(self.path, "rb") as file:  # not in a signal handler: its own thread may have the lock
            fcntl.flock(file, fcntl.LOCK_EX)
            self.read()
            if label not in self:
                start, text = SLOT * (1 + len(self)), label.encode() + END
                if start == SIZE or len(text) > SLOT - 8:
                    raise ValueError(f"no room for {label!r}: {self.path!r} has {HEADER.decode()}")
                self.memory[start + 8 : start + 8 + len(text)] = text
                self.used.increment()  # adds the label: one atomic step, after its bytes
                self.read()
        return self[label]
