"""Every link of a page leads to a file of the checkout, and to a heading of it."""

from __future__ import annotations

import os
import re
from functools import cache
from importlib.metadata import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
#: ``[text](target)`` and ``[name]: target``, outside of code.
_LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)
_USED = re.compile(r"\]\[([^\]]+)\]")
_DEFINED = re.compile(r"^\[([^\]]+)\]: ", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _prose(page: Path) -> str:
    return _CODE.sub("", page.read_text(encoding="utf-8"))


def _links(page: Path) -> list[str]:
    return [inline or reference for inline, reference in _LINK.findall(_prose(page))]


@cache
def _anchors(page: Path) -> frozenset[str]:
    """Return the anchors of the headings of a page, as GitHub and the site make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)


def broken_links(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    broken = []
    for link in _links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = Path(os.path.normpath(page.parent / path)) if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in _anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_reference_is_defined_and_used(page: Path) -> None:
    text = _prose(page)
    if defined := set(_DEFINED.findall(text)):
        assert set(_USED.findall(text)) == defined


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A heading, with `code`\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md#a-heading-with-code) [b](gone.md) [c](there.md#gone) `[d](code.md)` [e][f]\n\n[f]: no\n"
    )
    assert broken_links(page) == ["gone.md", "there.md#gone", "no"]


def test_the_links_of_the_readme_work_on_an_index_page() -> None:
    """An index shows the README alone, so links must be absolute as soon as the metadata names an address."""
    addresses = metadata("airflow-provider-ops").get_all("Project-URL", [])
    relative = [link for link in _links(ROOT / "README.md") if not link.startswith("https://")]
    assert not (addresses and relative), f"make these absolute, below one of {addresses}"
