"""What a user gets by importing the package."""

import inspect
import re
import types

import pytest

import fastcounter
from fastcounter import compat, pure
from helpers import COMPILED, GIL_BUILD, PORTABLE_BUILD, run_python


def test_the_compiled_classes_are_what_a_user_gets():
    result = run_python(
        "-c",
        "import fastcounter, importlib.machinery as machinery\n"
        "from fastcounter import _counters, _map, _shared\n"
        "for compiled in (_counters, _map, _shared):\n"
        "    assert compiled.__file__.endswith(tuple(machinery.EXTENSION_SUFFIXES)), compiled.__file__\n"
        "for name in fastcounter.__all__:\n"
        "    public = getattr(fastcounter, name)\n"
        "    compiled = {'CounterMap': _map, 'SharedCounter': _shared}.get(name, _counters)\n"
        "    assert public is getattr(compiled, name)\n"
        "    assert public.__flags__ & 1 << 8  # immutable: a class that C code made, not a class statement\n"
        "print(*fastcounter.__all__)",
    )
    assert result.stdout.split() == [
        "CounterMap",
        "FastReadCounter",
        "FastWriteCounter",
        "SharedCounter",
        "SingleThreadCounter",
    ]


def test_a_missing_extension_is_an_error_that_says_what_to_do():
    result = run_python("-c", "import sys; sys.modules['fastcounter._counters'] = None; import fastcounter")
    assert result.returncode != 0
    assert re.search(
        r"ImportError: .*fastcounter has no compiled modules for this Python.*pip install -e", result.stderr
    )


def test_an_extension_that_fails_to_import_is_not_called_missing(tmp_path):
    package = tmp_path / "fastcounter"
    package.mkdir()
    with open(fastcounter.__file__) as source:
        (package / "__init__.py").write_text(source.read())
    (package / "_counters.py").write_text("import no_such_module")
    result = run_python("-c", "import fastcounter", cwd=tmp_path)
    assert "No module named 'no_such_module'" in result.stderr
    assert "no compiled modules" not in result.stderr


def test_which_build_this_is():
    """The fast paths are on exactly where they should be.  Otherwise tests and benchmarks would use the wrong build."""
    counter = fastcounter.FastReadCounter(2**40)
    counter.increment()  # with the GIL, only the counter holds a reference to its int from here on
    before = id(counter.value)
    counter.increment()
    in_place = GIL_BUILD and not PORTABLE_BUILD
    assert "increment" in vars(fastcounter.FastReadCounter)
    assert isinstance(fastcounter.FastReadCounter.value, types.MemberDescriptorType) == in_place
    assert not GIL_BUILD or (id(counter.value) == before) == in_place


@pytest.mark.skipif(GIL_BUILD, reason="about free-threaded builds")
def test_importing_leaves_the_gil_off():
    result = run_python("-c", "import fastcounter, fastcounter.compat, sys; print(sys._is_gil_enabled())")
    assert result.stdout == "False\n", result.stderr


def test_signatures():
    for compiled in COMPILED:
        assert str(inspect.signature(compiled)) == "(initial=0)"
        for name, signature in (("increment", "()"), ("add", "(amount, /)"), ("reset", "()")):
            assert str(inspect.signature(getattr(compiled(), name))) == signature
    for name in compat.__all__:
        assert str(inspect.signature(getattr(compat, name))) == "(init=0, step=1)"
        assert str(inspect.signature(getattr(compat, name)().increment)) == "(num_steps=1)"


def test_everything_is_documented():
    for module in (fastcounter, compat, pure):
        assert module.__doc__
        for name in module.__all__:
            public_class = getattr(module, name)
            assert public_class.__doc__
            if module is not pure:
                public = [name for name in dir(public_class) if not name.startswith("_")]
                assert all(getattr(public_class, name).__doc__ for name in public)


def test_each_class_has_all_that_it_shows():
    """Tools that document a class, such as Sphinx's autodoc, leave out what it inherits."""
    for public_class in (getattr(module, name) for module in (fastcounter, compat) for name in module.__all__):
        assert {name for name in dir(public_class) if not name.startswith("_")} <= set(vars(public_class))


def test_public_names():
    assert {*pure.__all__, "CounterMap", "SharedCounter"} == set(fastcounter.__all__)
    assert set(pure.__all__) == {compiled.__name__ for compiled in COMPILED}
    for compiled in COMPILED:
        assert (compiled.__module__, compiled.__qualname__) == ("fastcounter", compiled.__name__)
        assert repr(compiled) == f"<class 'fastcounter.{compiled.__name__}'>"
