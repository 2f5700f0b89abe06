"""Compiled counters for threads and processes.

`SingleThreadCounter`, `FastReadCounter` and `FastWriteCounter` have the API of the article "Atomic lock-free
counters in Python"; `fastcounter.pure` holds the article's own in pure Python.  `SharedCounter` counts in memory that
processes share.  `fastcounter.compat` has the API of the published 1.x.
"""

try:
    from fastcounter._counters import (  # the functions are for pickles, which name them here
        FastReadCounter,
        FastWriteCounter,
        SingleThreadCounter,
        _restore,
        _restore_with,
    )
    from fastcounter._shared import SharedCounter
except ModuleNotFoundError as _error:
    if _error.name not in ("fastcounter._counters", "fastcounter._shared"):
        raise
    raise ImportError(
        "fastcounter's compiled module is missing for this Python; build it with a C compiler by"
        " `pip install .` (or `pip install -e .`) in a checkout of fastcounter"
    ) from _error

__all__ = ["FastReadCounter", "FastWriteCounter", "SharedCounter", "SingleThreadCounter"]
