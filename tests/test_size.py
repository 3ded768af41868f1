"""Sizes that a reader can hold in mind: of files, functions and signatures of the package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import musicae

PACKAGE = Path(musicae.__file__).parent
MOST_LINES_OF_FILE = 400
MOST_LINES_OF_FUNCTION = 45  # its docstring among them
MOST_PARAMETERS = 7  # beside self


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function from its `def` on."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The number of named parameters, without `self` or `cls`."""
    arguments = function.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def too_large() -> Iterator[str]:
    """File, function and what is too large about it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name, text = path.relative_to(PACKAGE.parent).as_posix(), path.read_text(encoding="utf-8")
        if text.count("\n") > MOST_LINES_OF_FILE:
            yield f"{name}: {text.count(chr(10))} lines; at most {MOST_LINES_OF_FILE}"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if length(node) > MOST_LINES_OF_FUNCTION:
                    yield f"{name}, {node.name}: {length(node)} lines; at most {MOST_LINES_OF_FUNCTION}"
                if parameters(node) > MOST_PARAMETERS:
                    yield f"{name}, {node.name}: {parameters(node)} parameters; at most {MOST_PARAMETERS}"


def test_files_functions_and_signatures_are_small():
    assert list(too_large()) == []
