"""What a user gets by importing the package."""

import inspect
import re
import shutil
import types
from importlib.machinery import EXTENSION_SUFFIXES

import pytest

import fastcounter
from fastcounter import compat, pure
from helpers import COMPILED, GIL_BUILD, PORTABLE_BUILD, run_python

SUFFIX = re.escape(EXTENSION_SUFFIXES[0])


def test_the_compiled_classes_are_what_a_user_gets():
    result = run_python(
        "-c",
        "import fastcounter, importlib.machinery as machinery\n"
        "from fastcounter import _counters, _map, _shared, _shared_map\n"
        "for compiled in (_counters, _map, _shared, _shared_map):\n"
        "    assert compiled.__file__.endswith(tuple(machinery.EXTENSION_SUFFIXES)), compiled.__file__\n"
        "for name in fastcounter.__all__:\n"
        "    public = getattr(fastcounter, name)\n"
        "    modules = {'CounterMap': _map, 'SharedCounter': _shared, 'SharedCounterMap': _shared_map}\n"
        "    compiled = modules.get(name, _counters)\n"
        "    assert public is getattr(compiled, name)\n"
        "    assert public.__flags__ & 1 << 8  # immutable: a class that C code made, not a class statement\n"
        "print(*fastcounter.__all__)",
    )
    assert result.stdout.split() == [
        "CounterMap",
        "FastReadCounter",
        "FastWriteCounter",
        "SharedCounter",
        "SharedCounterMap",
        "SingleThreadCounter",
    ]


@pytest.fixture
def bare(tmp_path):
    """A folder in which the package has no compiled modules."""
    package = tmp_path / "fastcounter"
    package.mkdir()
    shutil.copy(fastcounter.__file__, package)
    return tmp_path


def error_of_import(folder, *path):
    """Return the message of the ImportError, and check its beginning."""
    setup = f"import sys; sys.path[:0] = {list(map(str, path))}; "
    result = run_python("-c", setup + "import fastcounter", cwd=folder)
    assert result.returncode != 0
    begin = rf"ImportError: .*fastcounter has no compiled modules for this Python, whose names end in {SUFFIX}\. (.*)"
    return re.search(begin, result.stderr)[1]


def test_without_compiled_modules_the_error_says_what_to_do(bare):
    assert "If that is a checkout" in error_of_import(bare)
    assert "`pip install -e .`" in error_of_import(bare)


def test_modules_for_another_python_are_named(bare):
    for name in ("_counters.cp39-win_amd64.pyd", "_shared.cpython-39-darwin.so"):
        (bare / "fastcounter" / name).touch()
    error = error_of_import(bare)
    assert "It has _counters.cp39-win_amd64.pyd, _shared.cpython-39-darwin.so. Install fastcounter with this" in error


def test_a_zip_file_cannot_hold_compiled_modules(bare):
    archive = shutil.make_archive(str(bare / "archive"), "zip", bare, "fastcounter")
    assert error_of_import(bare / "fastcounter", archive).startswith("It is in a zip file")


def test_an_extension_that_fails_to_import_is_not_called_missing(bare):
    (bare / "fastcounter" / "_counters.py").write_text("import no_such_module")
    result = run_python("-c", "import fastcounter", cwd=bare)
    assert "No module named 'no_such_module'" in result.stderr
    assert "no compiled modules" not in result.stderr


def test_a_name_of_1_x_says_where_it_is():
    hint = r"fastcounter\.Counter is a name of 1\.x: from fastcounter\.compat import Counter"
    with pytest.raises(ImportError, match=hint):
        from fastcounter import Counter  # noqa: F401
    with pytest.raises(AttributeError, match=hint):
        _ = fastcounter.Counter
    assert not hasattr(fastcounter, "Counter")
    assert getattr(fastcounter, "Counter", None) is None


def test_a_missing_name():
    with pytest.raises(ImportError, match="cannot import name 'Countr' from 'fastcounter'"):
        from fastcounter import Countr  # noqa: F401
    with pytest.raises(AttributeError, match="module 'fastcounter' has no attribute 'Countr'") as error:
        _ = fastcounter.Countr
    assert (error.value.name, error.value.obj) == ("Countr", fastcounter)  # for Python's "Did you mean"


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
    assert {*pure.__all__, "CounterMap", "SharedCounter", "SharedCounterMap"} == set(fastcounter.__all__)
    assert set(pure.__all__) == {compiled.__name__ for compiled in COMPILED}
    for compiled in COMPILED:
        assert (compiled.__module__, compiled.__qualname__) == ("fastcounter", compiled.__name__)
        assert repr(compiled) == f"<class 'fastcounter.{compiled.__name__}'>"
