"""The gate: make what an API said safe to keep in Airflow, and small enough.

Cleaning happens where an answer is parsed (:meth:`airflow_provider_ops.apis.calls.Response.json`), so that everything
behind it works with clean values; what an earlier release has stored is cleaned where it is read. Sizes are bounded
where values leave: events, records, log lines and return values have limits of their own.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from airflow_provider_ops.core.redaction import REDACTED, Redact, Redactor, redactor

__all__ = [
    "LONGEST_ADDRESS", "LONGEST_MESSAGE", "MAX_DEPTH", "REDACTED", "REPLACEMENT", "RESULT", "SHORT", "TOO_DEEP",
    "Fitted", "Limits", "LineLog", "Redact", "Redactor", "clean", "clean_text", "cut_text", "fit", "ids_in",
    "is_clean_id", "is_plain_number", "line_log_of", "one_line", "redactor", "share", "whole_rows", "why_no_id",
]  # fmt: skip

#: What stands for a character that was taken out. No id has it.
REPLACEMENT = "\ufffd"
#: Levels of lists and objects; Airflow's encoders end at some hundred.
MAX_DEPTH = 64
TOO_DEEP = "(nested too deep)"
#: What MessagePack, which carries the frames between Airflow's processes, and databases hold.
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1

# tab, newline and carriage return belong into documents like a kubeconfig
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
#: Ends a line for some readers: terminals, ``str.splitlines``, browsers; or turns the order of what follows.
_LINE_ENDS = re.compile("[\x0b\x0c\x85\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: A UUID, with the word that an API may put before it; not one in a path or an address, which would lead nowhere.
_LONG_ID = re.compile(r"(?<![\w/-])(?:[a-z]{1,8}_)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w/-])")
#: What Airflow's UI, and other viewers of logs, take for the begin or end of a group of lines.
_GROUPS = re.compile(r"::(?=(?:end)?group::)|##(?=\[(?:end)?group\])", re.IGNORECASE)


def clean_text(text: str, redact: Redact | None = None) -> str:
    """Return ``text`` without control characters (but tab and line ends), lone surrogates and what ``redact`` finds."""
    if not text.isprintable():
        text = _CONTROL.sub(REPLACEMENT, text)
    return text if redact is None else redact(text)


def one_line(text: str, redact: Redact | None = None, limit: int = 2048) -> str:
    """Return ``text`` as one line of ``limit`` bytes that cannot pass for a line, or a group of lines, of a log."""
    text = clean_text(text, redact)
    if not text.isprintable():
        text = text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\r").replace("\t", " ")
        text = _LINE_ENDS.sub(REPLACEMENT, text)
    if "group" in text.lower():
        text = _GROUPS.sub(lambda match: f"{match[0][0]} {match[0][1]}", text)
    return cut_text(text, limit)


class LineLog:
    """A log for messages with texts of an API in them: each stays one line.

    A long id is whole where it appears first; after that its beginning stands for it, at every level. Messages of
    errors, and briefings, keep the whole ids. Use one per log: :func:`line_log_of` returns that of a task or trigger.

    :param log: has the methods of a ``logging.Logger``.
    """

    # each of ten thousand triggers has one
    __slots__ = ("_log", "_short_ids")

    def __init__(self, log: Any) -> None:
        self._log = log
        self._short_ids: dict[str, str] = {}

    def info(self, message: str, *args: object) -> None:
        """Log at level INFO."""
        # a line takes much longer to make than to leave out, and there may be thousands of triggers
        if self._log.isEnabledFor(logging.INFO):
            self._log.info(self._line(message, args))

    def warning(self, message: str, *args: object) -> None:
        """Log at level WARNING."""
        self._log.warning(self._line(message, args))

    def briefing(self, message: str, *args: object, is_as_asked: bool = False) -> None:
        """Log what stands in for the message of an error, and so has whole ids.

        :param is_as_asked: whether all was done that the task asks for: level INFO instead of WARNING.
        """
        (self._log.info if is_as_asked else self._log.warning)(_message(message, args))

    def _line(self, message: str, args: tuple[object, ...]) -> str:
        return _LONG_ID.sub(self._shortened, _message(message, args))

    def _shortened(self, match: re.Match[str]) -> str:
        whole = match[0]
        if whole in self._short_ids:
            return self._short_ids[whole]
        short = f"{whole.partition('-')[0]}..."
        # two ids that begin alike stay whole
        self._short_ids[whole] = whole if short in self._short_ids.values() else short
        return whole


def _message(message: str, args: tuple[object, ...]) -> str:
    return one_line(message % args if args else message, limit=LONGEST_MESSAGE)


def line_log_of(owner: Any) -> LineLog:
    """Return the log of a task or trigger, the same one as long as the object lives.

    What a task and its attempts log in one process is one log for people.
    """
    found: LineLog | None = vars(owner).get(_LINE_LOG)
    if found is None:
        log = owner.log
        # structlog's proxy makes a logger anew for each line
        found = vars(owner)[_LINE_LOG] = LineLog(log.bind() if hasattr(log, "bind") else log)
    return found


_LINE_LOG = "_operations_line_log"


def clean(value: Any, redact: Redact | None = None) -> Any:
    """Return a JSON value that every encoder and database takes.

    Texts are cleaned, NaN, infinity and numbers beyond 64 bits become ``None``, and what is nested deeper than
    :data:`MAX_DEPTH` becomes :data:`TOO_DEEP`. What is no JSON value becomes text.
    """
    return _clean(value, redact, MAX_DEPTH)


def _clean(value: Any, redact: Redact | None, depth: int) -> Any:
    kind = value.__class__
    if kind is str:
        return clean_text(value, redact)
    if value is None or kind is bool:
        return value
    if isinstance(value, (int, float)):
        if redact is not None and redact(str(value)) == REDACTED:
            return REDACTED
        return value if is_plain_number(value) else None
    if not isinstance(value, (Mapping, list, tuple)):
        return clean_text(_plain(value), redact)
    if depth == 0:
        return TOO_DEEP
    if isinstance(value, Mapping):
        return {clean_text(str(name), redact): _clean(item, redact, depth - 1) for name, item in value.items()}
    return [_clean(item, redact, depth - 1) for item in value]


def _plain(value: Any) -> str:
    # of an enumeration that is a text, the text
    return str.__str__(value) if isinstance(value, str) else str(value)


def is_plain_number(value: float) -> bool:
    """Return whether a number is finite and has no more than 64 bits."""
    return _SMALLEST <= value <= _LARGEST if isinstance(value, int) else math.isfinite(value)


def is_clean_id(value: str) -> bool:
    """Return whether nothing was taken out of an id: cleaned, it would be that of something else, or of nothing."""
    return why_no_id(value) is None


def why_no_id(value: str) -> str | None:
    """Return why a text cannot be an id, without a subject; ``None`` where it can."""
    longest = LONGEST_ADDRESS if value.startswith("/") else _LONGEST_ID
    if not value:
        return "is empty"
    if len(value) > longest:
        return f"has {len(value)} characters, more than {longest}"
    is_clean = REPLACEMENT not in value and REDACTED not in value and value.isprintable()
    return None if is_clean else "has characters that no id has"


def ids_in(operation: object) -> list[str]:
    """Return the ids of an operation as JSON values and of what it acts on, which :func:`fit` is to leave whole."""
    facts = operation if isinstance(operation, Mapping) else {}
    return [value for name in ("id", "operation_id", "resource_id") if isinstance(value := facts.get(name), str)]


class Limits(NamedTuple):
    """Bounds of a value that leaves.

    :param text: bytes of one text in UTF-8.
    :param items: entries of one list or object.
    :param total: bytes of all texts together; beyond that only short texts stay.
    """

    text: int
    items: int
    total: int


#: Events, records and log lines.
SHORT = Limits(text=2048, items=200, total=128 * 1024)
#: The return value of a task.
RESULT = Limits(text=256 * 1024, items=10_000, total=1024 * 1024)
#: Bytes of one of our own messages: it may have several texts of an API in it.
LONGEST_MESSAGE = 8192
_LONGEST_ID = 256
#: Of an operation that is named by its address: some carry a signature, and Azure's have some 3,000 characters.
LONGEST_ADDRESS = 8192
#: Bytes of a text that stays whole however large the rest is: a state, an id.
_ALWAYS = 256
#: Bytes for which an entry of a list or object counts beside its texts.
_ENTRY = 8
_ONLY_TEXT = {str}


def share(count: int) -> Limits:
    """Return the limits of one of ``count`` operations in the same event or record."""
    return SHORT._replace(total=SHORT.total // max(count, 1))


class Fitted(NamedTuple):
    """A value within its limits, and whether anything was cut."""

    value: Any
    is_cut: bool


def fit(value: Any, limits: Limits = SHORT, whole: Sequence[str] = ()) -> Fitted:
    """Return a JSON value within ``limits``, cleaned; what was cut has a mark that says how long it was.

    A value that is already as it should be is returned itself.

    :param whole: clean ids, which are of no use when they are cut: each stays whole once for each time it is given.
    """
    # thousands of events may be made within a second, and nearly all are small and have nothing to clean
    if _is_small(value, limits):
        return Fitted(value, is_cut=False)
    fitter = _Fitter(limits, whole)
    return Fitted(fitter.fit(value, MAX_DEPTH), fitter.is_cut)


def _is_small(value: Any, limits: Limits) -> bool:
    """Return whether a value is of plain JSON types, within all limits, and has nothing to clean.

    It gives up early: what is not small has to be walked through anyway.
    """
    most, entries = min(limits.text, limits.total), 0
    texts: list[str] = []
    containers: list[Collection[Any]] = [[value]]
    for container in containers:
        entries += len(container)
        if len(container) > limits.items or len(containers) > MAX_DEPTH + 1 or entries * _ENTRY >= most:
            return False
        for part in container:
            kind = part.__class__
            if kind is str:
                texts.append(part)
            elif kind is dict:
                texts += part
                containers.append(part.values())
            elif kind is list:
                containers.append(part)
            elif not _is_plain(part, kind):
                return False
    # together: a call for each of many short texts takes longer than what it does
    return set(map(type, texts)) <= _ONLY_TEXT and _is_small_text("".join(texts), most - entries * _ENTRY)


def _is_small_text(text: str, most: int) -> bool:
    return len(text) < most and text.isascii() and text.isprintable()


def _is_plain(part: Any, kind: type) -> bool:
    return part is None or kind is bool or ((kind is int or kind is float) and is_plain_number(part))


def cut_text(text: str, limit: int = SHORT.text) -> str:
    """Return ``text`` with at most ``limit`` bytes in UTF-8; a mark says what was cut."""
    if len(text) * 4 <= limit:
        return text
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return text
    mark = f" [cut, {len(encoded)} bytes in all]"
    return encoded[: limit - len(mark)].decode("utf-8", "ignore") + mark


def whole_rows(value: object, width: int) -> list[Sequence[Any]]:
    """Return the rows of a list that may have been cut, without the mark that stands for those left out."""
    rows = value if isinstance(value, (list, tuple)) else ()
    return [row for row in rows if isinstance(row, (list, tuple)) and len(row) == width]


class _Fitter:
    def __init__(self, limits: Limits, whole: Sequence[str]) -> None:
        self._limits = limits
        self._whole = list(whole)
        self._left = limits.total
        self.is_cut = False

    def fit(self, value: Any, depth: int) -> Any:
        if value is None:
            return None
        if value.__class__ is str:
            return self._text(value)
        # the first is true of nearly all, and known without asking an abstract class
        if value.__class__ is dict or isinstance(value, (Mapping, list, tuple)):
            return self._container(value, depth)
        value = clean(value)
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        # nearly all are names and states: no character needs more than a byte, and none is odd
        if len(text) <= _ALWAYS and text.isascii() and text.isprintable():
            self._left -= len(text)
            return text
        if text in self._whole:
            self._whole.remove(text)
            return text
        text = clean_text(text)
        shown = cut_text(text, min(self._limits.text, max(self._left, _ALWAYS)))
        self._left -= len(shown)
        self.is_cut = self.is_cut or shown is not text
        return shown

    def _container(self, value: Mapping[Any, Any] | Sequence[Any], depth: int) -> Any:
        if not value:
            return {} if isinstance(value, Mapping) else []
        # objects within objects may multiply although each is small
        if depth == 0 or self._left < -self._limits.total:
            self.is_cut = True
            return TOO_DEEP
        most = self._limits.items if self._left > 0 or isinstance(value, Mapping) else 1
        if len(value) > most:
            return self._cut(value, most, depth)
        if isinstance(value, Mapping):
            return {self._text(str(name)): self._entry(item, depth) for name, item in value.items()}
        return [self._entry(item, depth) for item in value]

    def _cut(self, value: Mapping[Any, Any] | Sequence[Any], most: int, depth: int) -> Any:
        self.is_cut = True
        mark = f"[cut, {len(value)} items in all]"
        if isinstance(value, Mapping):
            kept = list(value.items())[: most - 1]
            return {**{self._text(str(name)): self._entry(item, depth) for name, item in kept}, "[cut]": mark}
        return [*(self._entry(item, depth) for item in value[: most - 1]), mark]

    def _entry(self, item: Any, depth: int) -> Any:
        self._left -= _ENTRY
        return self.fit(item, depth - 1)
