"""The changes that a release makes before it builds, and the commands by which it builds and tests wheels.

It changes links, since the package index has the README, but no other file.
"""

import re
import shutil
import sys
from pathlib import Path

import pytest

from helpers import run_python

ROOT = Path(__file__).parents[1]
REPOSITORY = "https://example.org/owner/name"


@pytest.fixture
def checkout(tmp_path):
    for name in (".github", "bench", "docs", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):  # sessions of nox do not copy these two
        (tmp_path / name).touch()
    return tmp_path


def make_absolute(checkout):
    return run_python(".github/absolute_links.py", REPOSITORY, "v1.2.3", cwd=checkout)


def test_every_link_is_absolute(checkout):
    result = make_absolute(checkout)
    assert (result.returncode, result.stderr) == (0, "")
    links = re.findall(r"\]\(([^)]*)\)", (checkout / "README.md").read_text())
    assert links
    assert all(link.startswith("https://") for link in links)
    assert f"{REPOSITORY}/blob/v1.2.3/bench/README.md" in links
    assert [link for link in links if "/raw/" in link] == [f"{REPOSITORY}/raw/v1.2.3/bench/operations.svg"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is new in 3.11")
def test_the_project_has_its_addresses(checkout):
    import tomllib

    make_absolute(checkout)
    urls = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["urls"]
    assert urls["Source"] == REPOSITORY
    assert urls["Documentation"] == f"{REPOSITORY}/tree/v1.2.3/docs"
    assert urls["Changelog"] == f"{REPOSITORY}/blob/v1.2.3/CHANGELOG.md"
    assert urls["Issues"] == f"{REPOSITORY}/issues"
    assert "Article" in urls


def commands(table):
    """Yield the commands in a table of cibuildwheel's options, and in the tables inside it."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from commands(value)
        elif key == "overrides":
            for override in value:
                yield from commands(override)
        elif key.startswith(("before-", "repair-wheel-command", "test-command")):
            yield from [value] if isinstance(value, str) else value


def redirects_on_windows(command):
    """Whether cmd.exe would redirect files, or split what single quotes hold together elsewhere."""
    return re.search(r"[<>']", re.sub(r'"[^"]*"', "", command)) is not None


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is new in 3.11")
def test_windows_runs_the_commands_of_a_release_as_they_are_meant():
    import tomllib

    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["cibuildwheel"]
    found = list(commands(options))
    assert {options["before-build"], options["test-command"]} <= set(found)
    assert not [command for command in found if redirects_on_windows(command)]
    assert redirects_on_windows("python -m pip install 'setuptools>=77'")


@pytest.mark.parametrize(
    "bad", ["[gone](no/such/file.md)", '<img src="bench/operations.svg">', "[ref]: bench/README.md"]
)
def test_a_link_that_would_be_dead_is_an_error(checkout, bad):
    with open(checkout / "README.md", "a") as file:
        file.write(f"\n{bad}\n")
    result = make_absolute(checkout)
    assert result.returncode != 0
    assert "README.md" in result.stderr
