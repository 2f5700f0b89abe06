"""A fault of the code that Cython generates is worked around in cython_workarounds.h, as far as that is needed."""

import shutil
import subprocess
import sys

import pytest

from helpers import quick_compiler, run_python

pytestmark = pytest.mark.compiler

SPAM = """
# cython: binding=False, freethreading_compatible=True, subinterpreters_compatible=own_gil
cdef class Spam:
    pass

def make():
    return Spam()

from sys import spam_may_load  # which only the main interpreter has
"""
SETUP = """
from Cython.Build import cythonize
from setuptools import Extension, setup

macros = [("CYTHON_USE_MODULE_STATE", "1"), ("CYTHON_USE_TYPE_SPECS", "1")]
extension = Extension("spam", ["spam.pyx"], define_macros=macros)
setup(name="spam", ext_modules=cythonize([extension]), script_args=["-q", "build_ext", "--inplace"])
"""
# In no interpreter but the first can the module be imported: each import raises ImportError, and removes the module.
IMPORT_32_TIMES = """
import _interpreters, sys

sys.spam_may_load = True
import spam

for _ in range(32):
    interpreter = _interpreters.create("isolated", reqrefs=False)
    print(_interpreters.exec(interpreter, "import spam").type.__name__)
    _interpreters.destroy(interpreter)
"""


@pytest.mark.skipif(sys.version_info < (3, 13), reason="needs the module _interpreters, of 3.13")
@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a compiler")
def test_a_removed_module_is_found(tmp_path):
    """From the 32nd interpreter on Cython searches its table of modules, and reads past the end.

    The workaround is for Cython up to 3.3.1.  If this fails with a newer one, that needs the workaround too.
    """
    version = tuple(map(int, pytest.importorskip("Cython").__version__.split(".")[:3]))
    if version < (3, 3):
        pytest.skip("what older versions generate fails before")
    (tmp_path / "spam.pyx").write_text(SPAM)
    build = [sys.executable, "-c", SETUP]
    built = subprocess.run(build, cwd=tmp_path, env=quick_compiler(), capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    result = run_python("-c", IMPORT_32_TIMES, cwd=tmp_path)
    assert result.stdout.split()[:31] == ["ImportError"] * 31, result.stderr
    is_found = result.stdout.split()[31:] != ["ImportError"]
    assert is_found == (version <= (3, 3, 1))
