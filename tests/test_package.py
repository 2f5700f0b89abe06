"""What a user gets by importing the package."""

import inspect
import os
import subprocess
import sys
import types

import pytest
from conftest import COMPILED, GIL_BUILD

import fastcounter
from fastcounter import compat, pure

PORTABLE = bool(os.environ.get("FASTCOUNTER_PORTABLE"))


def run(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, **options)


def test_the_compiled_classes_are_what_a_user_gets():
    result = run(
        "import fastcounter, fastcounter._counters as compiled, importlib.machinery as machinery\n"
        "assert compiled.__file__.endswith(tuple(machinery.EXTENSION_SUFFIXES)), compiled.__file__\n"
        "for name in fastcounter.__all__:\n"
        "    cls = getattr(fastcounter, name)\n"
        "    assert cls is getattr(compiled, name)\n"
        "    assert not cls.__flags__ & 1 << 9  # a class that C code made, not a class statement\n"
        "print(*fastcounter.__all__)"
    )
    assert result.stdout.split() == ["FastReadCounter", "FastWriteCounter", "SingleThreadCounter"], result.stderr


def test_a_missing_extension_is_an_error_that_says_what_to_do():
    result = run("import sys; sys.modules['fastcounter._counters'] = None; import fastcounter")
    assert result.returncode != 0
    assert "ImportError: fastcounter's compiled module is missing" in result.stderr
    assert "pip install" in result.stderr


def test_an_extension_that_fails_to_import_is_not_called_missing(tmp_path):
    package = tmp_path / "fastcounter"
    package.mkdir()
    with open(fastcounter.__file__) as source:
        (package / "__init__.py").write_text(source.read())
    (package / "_counters.py").write_text("import no_such_module")
    result = run("import fastcounter", cwd=tmp_path)
    assert "No module named 'no_such_module'" in result.stderr
    assert "compiled module is missing" not in result.stderr


def test_which_build_this_is():
    """The fast paths are on exactly where they should be, so that nobody tests or times the wrong build."""
    known = sys.implementation.name == "cpython" and sys.version_info < (3, 16) and not PORTABLE
    counter = fastcounter.FastReadCounter(2**40)
    counter.increment()  # from here on, with the GIL, the counter has an int to itself
    before = id(counter.value)
    counter.increment()
    assert ("increment" in vars(fastcounter.FastReadCounter)) == known
    assert isinstance(fastcounter.FastReadCounter.value, types.MemberDescriptorType) == (known and GIL_BUILD)
    assert not GIL_BUILD or (id(counter.value) == before) == known


@pytest.mark.skipif(GIL_BUILD, reason="about free-threaded builds")
def test_importing_leaves_the_gil_off():
    result = run("import fastcounter, fastcounter.compat, sys; print(sys._is_gil_enabled())")
    assert result.stdout == "False\n", result.stderr


def test_signatures():
    for cls in COMPILED:
        assert str(inspect.signature(cls)) == "(initial=0)"
        for name, signature in (("increment", "()"), ("add", "(amount, /)"), ("reset", "()")):
            assert str(inspect.signature(getattr(cls(), name))) == signature
    for name in compat.__all__:
        assert str(inspect.signature(getattr(compat, name))) == "(init=0, step=1)"
        assert str(inspect.signature(getattr(compat, name)().increment)) == "(num_steps=1)"


def test_everything_is_documented():
    for module in (fastcounter, compat, pure):
        assert module.__doc__
        for name in module.__all__:
            cls = getattr(module, name)
            assert cls.__doc__
            if module is not pure:
                public = [name for name in dir(cls) if not name.startswith("_")]
                assert all(getattr(cls, name).__doc__ for name in public)


def test_public_names():
    assert set(fastcounter.__all__) == set(pure.__all__) == {cls.__name__ for cls in COMPILED}
    for cls in COMPILED:
        assert (cls.__module__, cls.__qualname__) == ("fastcounter", cls.__name__)
        assert repr(cls) == f"<class 'fastcounter.{cls.__name__}'>"
