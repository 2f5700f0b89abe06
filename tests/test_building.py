"""What setup.py says if the packages that a build needs are missing or too old."""

import re
from pathlib import Path

import pytest

from helpers import run_python

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "packages", [{"cython": "3.1.8"}, {"setuptools": "76.1"}, {"cython": "3.0.12", "setuptools": "68.2.2"}]
)
def test_packages_that_are_too_old(tmp_path, monkeypatch, packages):
    for name, version in packages.items():
        information = tmp_path / f"{name}-{version}.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    error = message("setup.py")
    assert all(f"{name} {version}" in error for name, version in packages.items())


def test_packages_that_are_missing():
    assert "There is no cython and no setuptools." in message("-S", "setup.py")  # without site-packages


def test_other_implementations_of_python():
    setup = "import runpy, sys; sys.implementation.name = 'pypy'; runpy.run_path('setup.py')"
    assert message("-c", setup, begin="fastcounter 2 is for CPython: it does not build on pypy. ").endswith(
        "Install fastcounter<2, which is pure Python\n"
    )


def message(*args, begin="To be built, fastcounter needs cython>=3.2 and setuptools>=77. "):
    """Return the one line that setup.py prints before it gives up."""
    result = run_python(*args, "--version", cwd=ROOT)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith(begin)
    return result.stderr


def test_pip_installs_what_setup_py_needs():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search("^requires = (.*)", text, re.MULTILINE)[1] == '["cython>=3.2", "setuptools>=77"]'
