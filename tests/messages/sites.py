"""The places in the package that raise errors of ours, and which of them an error has come through."""

from __future__ import annotations

import ast
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

import airflow_provider_ops
from airflow_provider_ops.exceptions import OpsError, SpecProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

ROOT = Path(airflow_provider_ops.__file__).parent
#: Where errors are made ready, whoever makes them; what is not the provider; and what is said of a spec that works.
_NOT_LOOKED_AT = ("exceptions.py", "simulator/", "testing/", "spec/advice.py")
#: Where mistakes are found; an ``InvalidSpec`` tells all of them.
_SPEC = "spec/"


class Site(NamedTuple):
    """A place that makes or raises an error: its lines in a file of the package."""

    file: str
    first: int
    last: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.first}: {self.text}"


Line = tuple[str, int]


def sites() -> list[Site]:
    """Return all places that make an error of ours, and those that raise what a function has made."""
    sources = {
        name: ast.parse(file.read_text(encoding="utf-8"))
        for file in sorted(ROOT.rglob("*.py"))
        if not (name := file.relative_to(ROOT).as_posix()).startswith(_NOT_LOOKED_AT[1:])
    }
    ours = _error_classes(sources)
    found = []
    for name, tree in sources.items():
        if name == _NOT_LOOKED_AT[0]:
            continue
        calls = [
            node
            for node in ast.walk(tree)
            if isinstance(node, (ast.Call, ast.Raise))
            and (
                (isinstance(node, ast.Call) and _name(node.func) in ours)
                or (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _is_made(node.exc, ours))
                or (name.startswith(_SPEC) and _is_mistake(node))
            )
        ]
        found += [Site(name, node.lineno, node.end_lineno or node.lineno, ast.unparse(node)[:90]) for node in calls]
    return found


def _error_classes(sources: dict[str, ast.Module]) -> set[str]:
    bases = {
        node.name: {_name(base) for base in node.bases}
        for tree in sources.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    ours, before = {OpsError.__name__}, 0
    while len(ours) != before:
        before = len(ours)
        ours |= {name for name, above in bases.items() if above & ours}
    return ours


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_made(call: ast.Call, ours: set[str]) -> bool:
    """Whether a function, and no class of others, makes what is raised."""
    name = _name(call.func)
    return name in ours or not name[:1].isupper()


def _is_mistake(node: ast.AST) -> bool:
    """Whether a place says what is wrong with a spec."""
    if isinstance(node, ast.Raise):
        return isinstance(node.exc, ast.Call) and _name(node.exc.func) == ValueError.__name__
    return isinstance(node, ast.Call) and _name(node.func) == SpecProblem.__name__


@contextmanager
def noted(lines: set[Line]) -> Iterator[None]:
    """Note the lines of the package that errors of ours are made by, and on which they are raised."""
    original, original_problem = OpsError.__init__, SpecProblem.__new__

    def init(self: OpsError, message: str = "") -> None:
        original(self, message)
        _note_callers(lines, sys._getframe(1))

    def new(cls: type[SpecProblem], *values: Any) -> SpecProblem:
        _note_callers(lines, sys._getframe(1))
        return original_problem(cls, *values)

    OpsError.__init__ = init  # type: ignore[method-assign]
    SpecProblem.__new__ = new  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        OpsError.__init__ = original  # type: ignore[method-assign]
        SpecProblem.__new__ = original_problem  # type: ignore[method-assign]


def _note_callers(lines: set[Line], frame: FrameType | None) -> None:
    while frame is not None:
        _note(lines, frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back


def note_raised(lines: set[Line], error: BaseException | None) -> None:
    """Note the lines through which an error, and what it came from, was raised."""
    while error is not None:
        traceback = error.__traceback__
        while traceback is not None:
            _note(lines, traceback.tb_frame.f_code.co_filename, traceback.tb_lineno)
            traceback = traceback.tb_next
        if isinstance(error, ValidationError):
            for one in error.errors():
                note_raised(lines, one.get("ctx", {}).get("error"))
        error = error.__cause__ or error.__context__


def _note(lines: set[Line], file: str, line: int) -> None:
    if file.startswith(str(ROOT)):
        lines.add((Path(file).relative_to(ROOT).as_posix(), line))
