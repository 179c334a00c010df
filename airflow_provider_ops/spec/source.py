"""Read YAML that keeps every scalar as written, with the line of every key.

Plain scalars that are JSON numbers or booleans come as :class:`Written`, so that the body of a request can have their
type; everywhere else they are the text that stands in the file. YAML 1.1 would read ``NO`` as false, ``000604`` as 388.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from airflow_provider_ops.exceptions import InvalidSpec, SpecProblem

#: Bytes of a file, nodes in it, and levels of its lists and objects.
LARGEST_FILE, MOST_NODES, MOST_LEVELS = 256 * 1024, 20_000, 32
_JSON_SCALAR = re.compile(r"true|false|-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?(?:[eE][+-]?[0-9]{1,3})?")
_NULLS = ("", "~", "null")
_NEED_QUOTES = "{}?*[]&!%@`"

Place = tuple[str | int, ...]


class Written(str):
    """A plain scalar that JSON would not read as text."""

    __slots__ = ()

    @property
    def typed(self) -> Any:
        """Return the number or boolean."""
        return json.loads(self)


def typed(value: Any) -> Any:
    """Return a value of a file with the types that JSON gives its plain scalars."""
    if isinstance(value, Written):
        return value.typed
    if isinstance(value, Mapping):
        return {str(name): typed(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [typed(item) for item in value]
    return str(value) if isinstance(value, str) else value


@dataclass
class Source:
    """A file that was read.

    :param lines: number of the line of each key and item, by its place.
    :param changed: place, text and YAML 1.1's reading of each scalar that other readers would have changed.
    """

    data: Any
    name: str = ""
    lines: dict[Place, int] = field(default_factory=dict)
    changed: list[tuple[Place, str, str]] = field(default_factory=list)

    def line_of(self, place: Sequence[str | int]) -> int | None:
        """Return the line of a place, or that of the nearest thing around it; other words in it are passed over."""
        here: Place = ()
        value = self.data
        for part in place:
            if isinstance(value, Mapping) and str(part) in value:
                here, value = (*here, str(part)), value[str(part)]
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                here, value = (*here, part), value[part]
        return self.lines.get(here)


def read_source(text_or_path: str | Path) -> Source:
    """Return the data of a file or text.

    :raises InvalidSpec: it cannot be read; says where and what to write.
    """
    name, text = _text_of(text_or_path)
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST_FILE:
        raise _error(name, f"is larger than {LARGEST_FILE // 1024} KiB: a spec is far smaller")
    try:
        node = yaml.compose(text, Loader=_Untagged)
        if node is None:
            raise _error(name, "is empty: a spec begins with 'name:'")
        reader = _Reader(Source(None, name))
        reader.source.data = reader.read(node, (), 0)
    except _HasTag as error:
        raise _error(name, f"has the tag {error.tag!r}: leave it out", error.line) from None
    except yaml.MarkedYAMLError as error:
        raise _unreadable(name, text, error) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        remedy = "take it out" if error.character else "take it out, or save the file as UTF-8"
        raise _error(name, f"has the character {chr(error.character)!r}: {remedy}", line) from None
    except RecursionError:
        raise _error(name, f"is nested deeper than {MOST_LEVELS} levels: leave some out") from None
    return reader.source


def _text_of(text_or_path: str | Path) -> tuple[str, str]:
    if isinstance(text_or_path, str) and _is_text(text_or_path):
        return "", text_or_path
    path = Path(text_or_path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        return str(path), content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"has the byte 0x{content[error.start]:02x}, which is not UTF-8: save the file as UTF-8"
        raise _error(str(path)[:200], message, line) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _error(str(path)[:200], f"cannot be read: {reason}") from None


def _is_text(text: str) -> bool:
    """Return whether it is no path: blank, of several lines, or an object in one."""
    return "\n" in text or not text.strip() or text.lstrip().startswith("{")


def _error(name: str, message: str, line: int | None = None) -> InvalidSpec:
    return InvalidSpec(name, [SpecProblem((), message, line)])


def _unreadable(name: str, text: str, error: yaml.MarkedYAMLError) -> InvalidSpec:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    shown = text.splitlines()[mark.line].strip() if mark and mark.line < len(text.splitlines()) else ""
    remedy = ""
    if error.problem == "but found another document":
        remedy = "; a file describes one API: put the other document into a file of its own"
    elif any(character in shown for character in _NEED_QUOTES):
        remedy = '; put a text that has one of { } ? * [ ] & ! % @ ` in quotes: "GET /things/{operation_id}"'
    elif "\t" in text:
        remedy = "; indent with spaces, not with tabs"
    elif ": " in shown.partition(": ")[2]:
        remedy = "; put a text that has ': ' in quotes"
    return _error(name, f"cannot be read as YAML ({error.problem or error.context}) at {shown[:80]!r}{remedy}", line)


class _HasTag(Exception):
    """A value has a tag, which says of what type it is: here the key says that."""

    def __init__(self, tag: str, line: int) -> None:
        self.tag = tag.replace("tag:yaml.org,2002:", "!!")
        self.line = line


class _Untagged(yaml.BaseLoader):
    """Compose nodes, none of which may have a tag."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) is not None:
            raise _HasTag(event.tag, event.start_mark.line + 1)
        found: yaml.Node | None = super().compose_node(parent, index)
        return found


class _Reader:
    """Turn nodes into values, within bounds."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._nodes = 0

    def read(self, node: yaml.Node, place: Place, level: int) -> Any:
        self._nodes += 1
        line = node.start_mark.line + 1
        self.source.lines.setdefault(place, line)
        # aliases may multiply what a short file says
        if self._nodes > MOST_NODES or level > MOST_LEVELS:
            raise self._refused(f"has more than {MOST_NODES} values or {MOST_LEVELS} levels: leave some out", line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place, level)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*place, index), level + 1) for index, item in enumerate(node.value)]
        return self._scalar(node, place) if isinstance(node, yaml.ScalarNode) else None

    def _mapping(self, node: yaml.MappingNode, place: Place, level: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise self._refused("has a key that is no text; put a text that begins with { or [ in quotes", line)
            if key.value in found:
                raise self._refused(f"has the key {key.value!r} twice in one object", line)
            here = (*place, key.value)
            self.source.lines[here] = line
            found[key.value] = self.read(value, here, level + 1)
        return found

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> str | None:
        text: str = node.value
        if node.style:
            return text
        if text in _NULLS:
            return None
        changed = _as_yaml_1_1(text)
        if changed is not None:
            self.source.changed.append((place, text, changed))
        return Written(text) if _JSON_SCALAR.fullmatch(text) else text

    def _refused(self, message: str, line: int) -> InvalidSpec:
        return _error(self.source.name, message, line)


def _as_yaml_1_1(text: str) -> str | None:
    """Return how YAML 1.1 reads a plain scalar, ``None`` where it reads what is written."""
    tag = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    if tag in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"):
        return None
    try:
        value = yaml.SafeLoader("").construct_object(yaml.ScalarNode(tag, text))
    except (ValueError, yaml.YAMLError, OverflowError):
        return None
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return None if shown == text else shown
