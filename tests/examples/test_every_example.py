"""What holds for each example."""

from pathlib import Path

import pytest

EXAMPLES = sorted(path for path in (Path(__file__).parents[2] / "examples").iterdir() if path.suffix in (".py", ".pyx"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_is_short_and_tested(path):
    assert len(path.read_text().splitlines()) < 50
    assert Path(__file__).with_name(f"test_{path.stem}.py").exists()


def test_there_are_examples():
    assert EXAMPLES
