"""Build the extension modules.  Everything else about the package is in pyproject.toml.

Two environment variables select a variant for tests.  FASTCOUNTER_PORTABLE=1 builds without CPython's internals.
FASTCOUNTER_TRACE=1 lets coverage trace the lines of the .pyx files.  Sanitizers need no variant: set CPPFLAGS.
"""

import gzip
import os
import re
import sys
import tarfile
from importlib import metadata
from pathlib import Path
from typing import Any

if sys.implementation.name != "cpython":
    sys.exit(
        f"fastcounter 2 is for CPython: it does not build on {sys.implementation.name}. Install fastcounter<2, which is"
        " pure Python"
    )

NEEDED = {"cython": "3.2", "setuptools": "77"}  # pyproject.toml has the same, and the reasons


def check_requirements() -> None:
    """Say what is missing.  pip does not, if it builds without isolation, and later errors would not name it."""
    found = {}
    for name in NEEDED:
        try:
            found[name] = f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            found[name] = f"no {name}"
    if any(numbers(found[name]) < numbers(version) for name, version in NEEDED.items()):
        needed = " and ".join(f"{name}>={version}" for name, version in NEEDED.items())
        sys.exit(f"To be built, fastcounter needs {needed}. There is {' and '.join(found.values())}.")


def numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


check_requirements()  # before the imports, which fail without setuptools

from setuptools import Extension, setup  # noqa: E402
from setuptools.command.sdist import sdist  # noqa: E402


class ReproducibleSdist(sdist):
    """Make a source distribution that has the same bytes each time, if SOURCE_DATE_EPOCH is set."""

    def make_archive(self, base_name: Any, format: str, *args: Any, **kwargs: Any) -> str:
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if not epoch or format != "gztar":
            return super().make_archive(base_name, format, *args, **kwargs)
        path = f"{base_name}.tar.gz"
        with gzip.GzipFile(path, "wb", mtime=int(epoch)) as file, tarfile.open(fileobj=file, mode="w") as archive:
            for source in sorted(Path(kwargs["base_dir"]).rglob("*")):
                entry = archive.gettarinfo(source)
                entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = int(epoch), 0, 0, "", ""
                with open(source, "rb") if source.is_file() else open(os.devnull, "rb") as content:
                    archive.addfile(entry, content)
        return path


HEADERS = sorted(str(path) for ending in ("h", "pxd", "pxi") for path in Path("fastcounter").rglob(f"*.{ending}"))
MACROS: list[tuple[str, str | None]] = [
    # Each interpreter gets a module state of its own, so that all of them can import the module.
    ("CYTHON_USE_MODULE_STATE", "1"),
    ("CYTHON_USE_TYPE_SPECS", "1"),
    # Cython's vectorcall would look up that state each time a counter is created.
    ("CYTHON_VECTORCALL_TPNEW", "0"),
]
if os.environ.get("FASTCOUNTER_PORTABLE"):
    MACROS.append(("FASTCOUNTER_PORTABLE", None))
if os.environ.get("FASTCOUNTER_TRACE"):
    MACROS += [("CYTHON_TRACE_NOGIL", "1"), ("CYTHON_USE_SYS_MONITORING", "0")]


def extension(name: str) -> Extension:
    result = Extension(f"fastcounter.{name}", [f"fastcounter/{name}.pyx"], depends=HEADERS, define_macros=MACROS)
    if os.name != "nt":  # keeps the paths of this machine out of the wheel
        result.extra_compile_args.append(f"-ffile-prefix-map={os.getcwd()}=.")
    if os.environ.get("FASTCOUNTER_TRACE"):
        setattr(result, "cython_directives", {"linetrace": True})  # noqa: B010 - unknown to setuptools' types
    return result


setup(
    ext_modules=[extension(name) for name in ("_counters", "_map", "_shared", "_shared_map", "compat")],
    cmdclass={"sdist": ReproducibleSdist},
)
