"""`make layers`: draw the imports between the folders of the package, read from the code.

A folder stands one floor above the highest folder that it imports. Folders that import each other share a floor, and
the arrows between them are red. An import is a pale line where the folder also reaches the other one through a third.
Modules that lie beside the folders, such as ``exceptions.py``, are left out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "airflow_provider_ops"
PICTURE: Final = ROOT / "docs" / "images" / "layers.svg"

#: The folders that each folder imports.
Imports: TypeAlias = Mapping[str, frozenset[str]]

_BOX_WIDTH, _BOX_HEIGHT = 116, 34
_COLUMN, _FLOOR, _MARGIN = 150, 84, 28
#: Passes over the floors that put each folder near those that it is connected with.
_ORDERING_PASSES = 8

_STYLE: Final = """\
  <style>
    .ground { fill: #ffffff; }
    .folder rect { fill: #e8eef7; stroke: #34567a; stroke-width: 1.5; }
    .folder text { font: 15px sans-serif; fill: #16263a; text-anchor: middle; }
    .import { fill: none; stroke: #34567a; stroke-width: 1.6; marker-end: url(#arrow); }
    .implied { stroke: #c3cedc; stroke-width: 1; marker-end: none; }
    .circle { stroke: #c62828; stroke-width: 2.4; }
  </style>
  <marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="6" markerHeight="6" orient="auto">
    <path d="M0,0 L8,4 L0,8 Z" fill="#34567a"/>
  </marker>
"""


def folder_imports(package: Path = PACKAGE) -> Imports:
    """Return the imports between the top-level folders of ``package``, wherever in a module they stand."""
    folders = {path.parent.name: path.parent for path in package.glob("*/__init__.py")}
    return {
        name: frozenset(
            imported
            for file in folder.rglob("*.py")
            for imported in _imported_folders(file, package)
            if imported in folders and imported != name
        )
        for name, folder in sorted(folders.items())
    }


def _imported_folders(file: Path, package: Path) -> Iterator[str]:
    here = (package.name, *file.relative_to(package).parent.parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        for module in _imported_modules(node, here):
            parts = module.split(".")
            if parts[0] == package.name and len(parts) > 1:
                yield parts[1]


def _imported_modules(node: ast.AST, here: tuple[str, ...]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = [*here[: len(here) - node.level + 1]] if node.level else []
    # the name that is imported may be a folder: `from airflow_provider_ops import apis`
    return [".".join([*base, *([node.module] if node.module else []), alias.name]) for alias in node.names]


def reachable(imports: Imports, start: str) -> set[str]:
    """Return all folders that ``start`` imports, directly or through others."""
    found: set[str] = set()
    todo = [*imports[start]]
    while todo:
        folder = todo.pop()
        if folder not in found:
            found.add(folder)
            todo += imports[folder]
    return found


def floors(imports: Imports) -> list[list[str]]:
    """Return the folders by floor, the lowest floor first."""
    below = {folder: reachable(imports, folder) for folder in imports}
    # without those that reach the folder in turn: they share its floor
    lower = {folder: {one for one in below[folder] if folder not in below[one]} for folder in imports}
    height: dict[str, int] = {}
    for folder in sorted(imports, key=lambda one: (len(lower[one]), one)):
        height[folder] = max((height[low] + 1 for low in lower[folder]), default=0)
    return [
        sorted(folder for folder in imports if height[folder] == level)
        for level in range(max(height.values(), default=-1) + 1)
    ]


def is_implied(imports: Imports, source: str, target: str) -> bool:
    """Whether ``source`` also reaches ``target`` through another folder."""
    return any(target in reachable(imports, other) for other in imports[source] - {target})


def draw(imports: Imports) -> str:
    """Return the picture as SVG."""
    rows = _ordered(floors(imports), imports)
    width = max(len(row) for row in rows) * _COLUMN + 2 * _MARGIN
    height = (len(rows) - 1) * _FLOOR + _BOX_HEIGHT + 2 * _MARGIN
    places = {
        folder: (width / 2 + (column - (len(row) - 1) / 2) * _COLUMN, height - _MARGIN - level * _FLOOR - _BOX_HEIGHT)
        for level, row in enumerate(rows)
        for column, folder in enumerate(row)
    }
    kinds = {(source, target): _kind(imports, source, target) for source in imports for target in imports[source]}
    # implied imports first, so that the others are drawn over them
    lines = sorted(kinds, key=lambda edge: (kinds[edge] != "import implied", edge))
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}">\n',
            "  <title>Imports between the folders of airflow_provider_ops</title>\n",
            _STYLE,
            f'  <rect class="ground" width="{width:g}" height="{height:g}"/>\n',
            *(_line(edge, places, kinds[edge]) for edge in lines),
            *(_box(folder, places[folder]) for folder in sorted(places)),
            "</svg>\n",
        )
    )


def _ordered(rows: list[list[str]], imports: Imports) -> list[list[str]]:
    """Put the folders of each floor in the order of what they are connected with."""
    column = {folder: index - (len(row) - 1) / 2 for row in rows for index, folder in enumerate(row)}
    linked = {
        folder: {*imports[folder], *(one for one in imports if folder in imports[one])} or {folder}
        for folder in imports
    }
    for _ in range(_ORDERING_PASSES):
        for number, row in enumerate(rows):
            mean = {one: sum(column[other] for other in linked[one]) / len(linked[one]) for one in row}
            rows[number] = sorted(row, key=lambda one: (mean[one], one))
            column |= {folder: index - (len(row) - 1) / 2 for index, folder in enumerate(rows[number])}
    return rows


def _kind(imports: Imports, source: str, target: str) -> str:
    if source in reachable(imports, target):
        return "import circle"
    return "import implied" if is_implied(imports, source, target) else "import"


def _line(edge: tuple[str, str], places: Mapping[str, tuple[float, float]], kind: str) -> str:
    (from_x, from_y), (to_x, to_y) = places[edge[0]], places[edge[1]]
    from_y += _BOX_HEIGHT
    bend = max(abs(to_y - from_y) / 2, _FLOOR / 2)
    curve = f"M{from_x:g},{from_y:g} C{from_x:g},{from_y + bend:g} {to_x:g},{to_y - bend:g} {to_x:g},{to_y:g}"
    return f'  <path class="{kind}" data-from="{edge[0]}" data-to="{edge[1]}" d="{curve}"/>\n'


def _box(folder: str, place: tuple[float, float]) -> str:
    x, y = place
    rectangle = (
        f'<rect x="{x - _BOX_WIDTH / 2:g}" y="{y:g}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="5"/>'
        f'<text x="{x:g}" y="{y + _BOX_HEIGHT * 0.65:g}">{folder}</text>'
    )
    return f'  <g class="folder" data-name="{folder}">{rectangle}</g>\n'


def drawn(svg: str) -> Imports:
    """Return the folders and imports that a picture shows."""
    edges = re.findall(r'data-from="(\w+)" data-to="(\w+)"', svg)
    return {
        folder: frozenset(target for source, target in edges if source == folder)
        for folder in re.findall(r'class="folder" data-name="(\w+)"', svg)
    }


if __name__ == "__main__":
    PICTURE.write_text(draw(folder_imports()), encoding="utf-8")
