"""Build the extension module; everything else about the package is in pyproject.toml.

Environment switches make the variants that the tests want:
FASTCOUNTER_PORTABLE=1 leaves CPython's internals alone, FASTCOUNTER_TRACE=1 lets coverage see the .pyx.
Sanitizers need nothing here: give their flags in CFLAGS and LDFLAGS.
"""

import os
import sys

from setuptools import Extension, setup

if sys.implementation.name != "cpython":
    sys.exit(f"fastcounter is for CPython: it does not build on {sys.implementation.name}")

extension = Extension(
    "fastcounter._counters",
    ["fastcounter/_counters.pyx"],
    depends=["fastcounter/_counters.pxd", "fastcounter/_internals.h"],
)
if os.environ.get("FASTCOUNTER_PORTABLE"):
    extension.define_macros.append(("FASTCOUNTER_PORTABLE", None))
if os.environ.get("FASTCOUNTER_TRACE"):
    extension.define_macros += [("CYTHON_TRACE_NOGIL", "1"), ("CYTHON_USE_SYS_MONITORING", "0")]
    setattr(extension, "cython_directives", {"linetrace": True})  # noqa: B010 - unknown to setuptools' types

setup(ext_modules=[extension])
