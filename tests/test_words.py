"""Code and docs use the words that an Airflow or HTTP engineer would search for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "airflow_provider_ops"

#: What is not said, and what is said instead.
BANNED = {
    r"looks?|looked|looking": "poll, scan, read, check, or search for",
    r"tells?|told|telling": "report, record, log, say, or distinguish",
    r"nobody|whoever|everybody": "no task, all callers, or the name of the one that is meant",
    r"story|stories|chapters?": "history or record",
    r"goes on|go on|going on|went on": "continues or is still running",
    r"peeks?": "quick scan",
    r"stumbl\w*": "fail",
}
#: What stays: a stored or public name, or another meaning.
ALLOWED = {
    r"\blook(?:s|ed|ing)? (?:it |them |this )?up\b|\blook-?ups?\b": "to find something by its key",
    r"operations\.looks|`looks`": "a metric; dashboards have its name",
}
#: The same in one file only.
ALLOWED_IN = {
    "airflow_provider_ops/triggers/operation.py": {
        r":param told:|\btold: int|self\.told = told|self\.told|\"told\"": "an argument of stored triggers",
        r"\"story\"": "a key of stored events",
    },
    "airflow_provider_ops/core/joined_timeline.py": {
        r"\"could not look\", \"can look again\"": "lines that an earlier release has stored",
    },
    "airflow_provider_ops/lifecycle/waiter.py": {
        r"\"story\"": "a key of stored events",
        r"\btold=": "an argument of stored triggers",
    },
}
ROOT_PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")
#: Pages that are made by a command, and what they are made of. The latter is checked instead.
GENERATED = {
    "docs/explanation/guarantees.md": "dev/guarantees/report.py",
    "docs/explanation/identity.md": "dev/identity/report.py",
    "docs/reference/troubleshooting.md": "dev/messages.md",
}
#: A name is a word only where it stands alone: `failed_looks`, a stored key, is none. Two words may stand on two lines.
_BANNED = re.compile(rf"\b(?:{'|'.join(BANNED)})\b".replace(" ", r"[\s#]+"), re.IGNORECASE)


def _files() -> dict[str, list[Path]]:
    """Return the files to check: each page, and each folder of the package."""
    pages = [ROOT / name for name in (*ROOT_PAGES, *GENERATED.values())]
    pages += [page for page in sorted((ROOT / "docs").rglob("*.md")) if _name(page) not in GENERATED]
    found = {_name(page): [page] for page in pages}
    for file in sorted((ROOT / PACKAGE).rglob("*.py")):
        inside = file.relative_to(ROOT).parts[:-1]
        found.setdefault("/".join(inside[:2]), []).append(file)
    return found


def _name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def banned_words(text: str, name: str = "") -> list[str]:
    """Return `file:line: word` for each banned word."""
    for allowed in [*ALLOWED, *ALLOWED_IN.get(name, ())]:
        text = re.sub(allowed, lambda found: re.sub(r"\S", "-", found[0]), text, flags=re.IGNORECASE)
    return [
        f"{name}:{text.count(chr(10), 0, found.start()) + 1}: {' '.join(found[0].split())}"
        for found in _BANNED.finditer(text)
    ]


@pytest.mark.parametrize("area", list(_files()))
def test_no_banned_word_is_used(area: str) -> None:
    found = [line for file in _files()[area] for line in banned_words(file.read_text(encoding="utf-8"), _name(file))]
    instead = "\n".join(f"  {words.replace('|', ', ')}: say {better}" for words, better in BANNED.items())
    assert not found, "\n".join([*found, "Say instead:", instead])


def test_a_banned_word_is_found_with_its_line() -> None:
    text = "Polls the list.\n  The wait goes\n  on: nobody looks.\n"
    assert banned_words(text, "a.py") == ["a.py:2: goes on", "a.py:3: nobody", "a.py:3: looks"]


@pytest.mark.parametrize(
    "text", ["failed_looks", "a look-up by id", "it looks them up", "`operations.looks`", "history"]
)
def test_a_name_or_another_meaning_is_not_a_banned_word(text: str) -> None:
    assert banned_words(text) == []


def test_what_is_allowed_in_a_file_is_allowed_there_only() -> None:
    file = next(iter(ALLOWED_IN))
    assert banned_words('{"told": self.told, "story": 1}', file) == []
    assert banned_words('{"told": 1}', "other.py") == ["other.py:1: told"]


def test_each_exception_is_still_needed() -> None:
    for name, patterns in ALLOWED_IN.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        assert [one for one in patterns if not re.search(one, text)] == [], name


def test_each_class_name_stands_for_one_class() -> None:
    names: dict[str, list[str]] = {}
    for file in sorted((ROOT / PACKAGE).rglob("*.py")):
        if "simulator" not in file.parts:
            for name in re.findall(r"^class (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE):
                names.setdefault(name, []).append(_name(file))
    assert {name: files for name, files in names.items() if len(files) > 1} == {}
