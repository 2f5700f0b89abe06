"""Compiled counters for threads and processes.

`SingleThreadCounter`, `FastReadCounter` and `FastWriteCounter` have the API of the article "Atomic lock-free
counters in Python".  `CounterMap` counts by label.  `SharedCounter` and `SharedCounterMap` do the same in memory that
processes share.  `fastcounter.pure` has the article's own counters in pure Python.  `fastcounter.compat` has the API of
the published 1.x.
"""

try:
    from fastcounter._counters import FastReadCounter, FastWriteCounter, SingleThreadCounter
    from fastcounter._counters import _restore as _restore  # pickles name it
    from fastcounter._counters import _restore_with as _restore_with
    from fastcounter._map import CounterMap
    from fastcounter._map import _restore_map as _restore_map
    from fastcounter._shared import SharedCounter
    from fastcounter._shared import _attach as _attach
    from fastcounter._shared import _attach_file as _attach_file
    from fastcounter._shared import _restore_shared as _restore_shared
    from fastcounter._shared_map import SharedCounterMap
    from fastcounter._shared_map import _restore_shared_map as _restore_shared_map
except ModuleNotFoundError as _error:
    _modules = ("_counters", "_map", "_shared", "_shared_map")
    if _error.name not in [f"fastcounter.{_module}" for _module in _modules]:
        raise
    import os
    from importlib.machinery import EXTENSION_SUFFIXES

    _folder = __path__[0]
    _message = f"{_folder} has no compiled modules for this Python, whose names end in {EXTENSION_SUFFIXES[0]}."
    if not os.path.isdir(_folder):
        _message += " It is in a zip file, from which Python cannot import compiled modules: install fastcounter"
    elif _found := [name for name in sorted(os.listdir(_folder)) if name.endswith((".so", ".pyd"))]:
        _message += f" It has {', '.join(_found)}. Install fastcounter with this Python, or build it there"
    else:
        _message += (
            " If that is a checkout you have installed from, start Python elsewhere; to work in it, build them there by"
            " `pip install -e .`, which needs a C compiler"
        )
    raise ImportError(_message) from _error

__all__ = [
    "CounterMap",
    "FastReadCounter",
    "FastWriteCounter",
    "SharedCounter",
    "SharedCounterMap",
    "SingleThreadCounter",
]


def _missing(name: str) -> object:
    """Raise what Python raises for a missing name.  For the one that only 1.x has, say where it is."""
    import sys

    error = f"module {__name__!r} has no attribute {name!r}"
    if name == "Counter":
        error = "fastcounter.Counter is a name of 1.x: from fastcounter.compat import Counter"
        # Of `from fastcounter import Counter` only an ImportError gets through, which hasattr() must not raise.
        if sys._getframe(1).f_code.co_name == "_handle_fromlist":
            raise ImportError(error, name=__name__)
    raise AttributeError(error, name=name, obj=sys.modules[__name__])


globals()["__getattr__"] = _missing  # set so, since to type checkers a module that defines it has every name
