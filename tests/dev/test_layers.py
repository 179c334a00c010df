from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.layers import PICTURE, draw, drawn, floors, folder_imports, is_implied

if TYPE_CHECKING:
    from pathlib import Path

NONE: frozenset[str] = frozenset()
CHAIN = {"low": NONE, "middle": frozenset({"low"}), "high": frozenset({"middle", "low"})}
CIRCLE = {"low": NONE, "one": frozenset({"two"}), "two": frozenset({"one", "low"}), "high": frozenset({"one"})}


def test_the_picture_shows_the_folders_and_imports_of_the_code() -> None:
    # places and colours may differ: only what is shown counts
    assert drawn(PICTURE.read_text(encoding="utf-8")) == folder_imports(), "run `make layers`"


def test_imports_are_found_in_every_form(tmp_path: Path) -> None:
    sources = {
        "high/__init__.py": "",
        "high/deep/__init__.py": "from ...relative import name",
        "high/plain.py": "import package.low.module\nimport os\nimport package.beside",
        "high/named.py": "def later():\n    from package import middle, beside",
        "high/own.py": "from package.high.plain import os\nfrom . import plain",
        "low/__init__.py": "",
        "middle/__init__.py": "",
        "relative/__init__.py": "",
        "unused/__init__.py": "",
        "beside.py": "from package import high",
    }
    for name, source in sources.items():
        file = tmp_path / "package" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)

    found = dict(folder_imports(tmp_path / "package"))

    assert found.pop("high") == {"low", "middle", "relative"}
    assert found == dict.fromkeys(("low", "middle", "relative", "unused"), NONE)


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        (CHAIN, [["low"], ["middle"], ["high"]]),
        (CIRCLE, [["low"], ["one", "two"], ["high"]]),
        ({"alone": NONE}, [["alone"]]),
    ],
    ids=["chain", "circle", "one folder"],
)
def test_a_folder_stands_above_what_it_imports(imports: dict[str, frozenset[str]], expected: list[list[str]]) -> None:
    assert floors(imports) == expected


def test_an_import_is_implied_by_a_longer_way() -> None:
    assert is_implied(CHAIN, "high", "low")
    assert not is_implied(CHAIN, "high", "middle")


def test_a_circle_stands_out_and_everything_is_drawn() -> None:
    picture = draw(CIRCLE)

    assert picture.count('class="import circle"') == 2
    assert drawn(picture) == CIRCLE
