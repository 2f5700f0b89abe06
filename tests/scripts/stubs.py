"""Compare the docstrings of the stubs with those of the compiled modules, or write them.

Editors show what is in the stubs, and Sphinx reads them too.  The docstrings are of modules, and of public classes,
methods and properties.

python tests/scripts/stubs.py             # fails if a docstring is missing or differs
python tests/scripts/stubs.py --write     # in a checkout, after `pip install -e .`
"""

import argparse
import ast
import importlib
import inspect
import sys
from pathlib import Path

import fastcounter


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the docstrings into the stubs")
    args = parser.parse_args()
    different = 0
    for path in sorted(Path(fastcounter.__file__).parent.glob("*.pyi")):
        stub = Stub(path)
        different += len(stub.different)
        for node, name, _ in stub.different:
            what = "another" if ast.get_docstring(node) else "no"
            print(f"{path}:{getattr(node, 'lineno', 1)}: {name} has {what} docstring")
        if args.write:
            path.write_text(stub.corrected(), encoding="utf-8")
    if different and not args.write:
        sys.exit(
            "To write the docstrings of the compiled modules into the stubs: python tests/scripts/stubs.py --write"
        )


class Stub:
    """A stub, and the nodes that lack the docstring of their object in the compiled module."""

    def __init__(self, path):
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.splitlines(keepends=True)
        module = importlib.import_module(f"fastcounter.{path.stem}")
        tree = ast.parse(self.text)
        self.different = []
        self.compare(tree, module.__name__, module)
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                self.compare_class(node, getattr(module, node.name))

    def compare_class(self, node, cls):
        if not node.name.startswith("_"):
            self.compare(node, node.name, cls)
        for function in node.body:
            if isinstance(function, ast.FunctionDef) and not function.name.startswith("_") and not is_setter(function):
                self.compare(function, f"{node.name}.{function.name}", getattr(cls, function.name))

    def compare(self, node, name, documented):
        wanted = inspect.cleandoc(documented.__doc__)
        if ast.get_docstring(node) != wanted:
            self.different.append((node, name, wanted))

    def corrected(self):
        """Return the text of the stub with the docstrings."""
        text = self.text
        for node, _, docstring in sorted(self.different, key=lambda item: getattr(item[0], "lineno", 0), reverse=True):
            begin, end = self.replaced(node)
            before, after = text[:begin].rstrip(), text[end:]
            comment, rest = after.split("\n", 1) if end > begin else ("", after)
            if comment:  # it belongs to the line of the signature
                before += f"  {comment.strip()}"
            indent = " " * (0 if isinstance(node, ast.Module) else node.col_offset + 4)
            literal = quoted(docstring, indent)
            text = f"{before}\n{literal}\n{rest}" if before else f"{literal}\n\n{rest}"
        return text

    def replaced(self, node):
        """Return where the code begins and ends whose place the docstring takes."""
        first = node.body[0]
        if is_constant(first):
            return self.position(first.lineno, first.col_offset), self.position(first.end_lineno, first.end_col_offset)
        if isinstance(node, ast.Module):
            return 0, 0
        line = max([node.lineno, *(base.end_lineno for base in node.bases)])  # the last one of the class's header
        while not self.lines[line - 1].partition("#")[0].rstrip().endswith(":"):
            line += 1
        return self.position(line + 1, 0), self.position(line + 1, 0)

    def position(self, line, column):
        return sum(map(len, self.lines[: line - 1])) + len(self.lines[line - 1].encode()[:column].decode())


def is_constant(node):
    """Whether a statement is `...` or a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def is_setter(function):
    return any(isinstance(each, ast.Attribute) and each.attr == "setter" for each in function.decorator_list)


def quoted(docstring, indent):
    """Return the docstring as a literal, each line indented."""
    assert '"""' not in docstring, docstring
    prefix = "r" if "\\" in docstring else ""
    text = f'{prefix}"""{docstring}' + ('\n"""' if "\n" in docstring else '"""')
    return "\n".join(f"{indent}{line}".rstrip() for line in text.split("\n"))


if __name__ == "__main__":
    main()
