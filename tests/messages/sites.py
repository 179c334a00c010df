"""The places in the package that raise errors of ours, and which of them an error has come through."""

from __future__ import annotations

import ast
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import airflow_provider_ops
from airflow_provider_ops.exceptions import OpsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

ROOT = Path(airflow_provider_ops.__file__).parent
#: Where errors are made ready, whoever makes them; and what is not the provider.
_NOT_LOOKED_AT = ("exceptions.py", "simulator/", "testing/")


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
            if (isinstance(node, ast.Call) and _name(node.func) in ours)
            or (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _is_made(node.exc, ours))
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


@contextmanager
def noted(lines: set[Line]) -> Iterator[None]:
    """Note the lines of the package that errors of ours are made by, and on which they are raised."""
    original = OpsError.__init__

    def init(self: OpsError, message: str = "") -> None:
        original(self, message)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            _note(lines, frame.f_code.co_filename, frame.f_lineno)
            frame = frame.f_back

    OpsError.__init__ = init  # type: ignore[method-assign]
    try:
        yield
    finally:
        OpsError.__init__ = original  # type: ignore[method-assign]


def note_raised(lines: set[Line], error: BaseException | None) -> None:
    """Note the lines through which an error, and what it came from, was raised."""
    while error is not None:
        traceback = error.__traceback__
        while traceback is not None:
            _note(lines, traceback.tb_frame.f_code.co_filename, traceback.tb_lineno)
            traceback = traceback.tb_next
        error = error.__cause__ or error.__context__


def _note(lines: set[Line], file: str, line: int) -> None:
    if file.startswith(str(ROOT)):
        lines.add((Path(file).relative_to(ROOT).as_posix(), line))
