"""Requests and answers as values, and the two shapes of a call: one answer, or pages of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote

from airflow_provider_ops.core.gate import LONGEST_ADDRESS, Redact, one_line
from airflow_provider_ops.core.parsing import parse_json
from airflow_provider_ops.core.values import is_list, is_list_text, plain_json, plain_query
from airflow_provider_ops.exceptions import InvalidArgument, TransportError

T = TypeVar("T")

#: The form of an id in every API we know (UUID, ``op_<uuid>``, ``W5Y1B8G3SK``); never a path or a query.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,127}")
_KIND = re.compile(r"[a-z][a-z_]{0,31}")
_PATH = re.compile(r"/[A-Za-z0-9._~:%/\-]{1,500}")
#: An id that was None, bare or with the word that an API puts before ids.
_NO_ID = re.compile(r"(?:[a-z]{1,8}_)?None")
#: What a path never has: another part of a URL, a way up, a control character, an escape that is none.
_LEAVING = re.compile(r"[?#\\\x00-\x20\x7f-\x9f\ufffd]|\.\.|%(?![0-9A-Fa-f]{2})")
#: No key is longer, and no header that is read.
#: More of a header than an address may have: the error for a longer one says how long it is.
_MOST_KEY, _MOST_HEADER = 4096, 2 * LONGEST_ADDRESS
_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request below the base URL of a connection.

    :param path: quoted path, see :func:`path`.
    :param route: the path template, for logs and metrics (``/operations/{operation_id}``).
    :param idempotent: a write that may be sent again because the API carries it out once only
        (idempotency key, or by nature). Reads always may.
    :param read_timeout: seconds the answer may take when that is longer than the connection's timeout.
    :param about: the operation that the answer must be about, where the path does not show its id.
    """

    method: str
    path: str
    route: str
    query: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotent: bool = False
    read_timeout: float | None = None
    about: str | None = None
    #: Headers and query parameters that go only with a repetition.
    repeated_with: tuple[Mapping[str, str], Mapping[str, Any]] | None = None
    #: Texts of the submit that a search repeats, and no message may show.
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Make body and query plain: Airflow hands over lazy sequences and tuples where lists are meant.

        :raises InvalidArgument: a part of the body cannot be sent as JSON, or one of the query not at all.
        """
        if self.query:
            object.__setattr__(self, "query", plain_query(self.query))
        if self.json is not None:
            object.__setattr__(self, "json", plain_json("json", self.json))

    @property
    def replayable(self) -> bool:
        """Return whether the HTTP layer may send this request a second time."""
        return self.idempotent or self.method in _READS

    def again(self) -> Request:
        """Return the request as it is repeated."""
        if self.repeated_with is None:
            return self
        headers, query = self.repeated_with
        return replace(self, headers={**self.headers, **headers}, query={**self.query, **query})

    @property
    def reads(self) -> bool:
        """Return whether this request changes nothing; a long poll is such a read, too."""
        return self.method in _READS or self.read_timeout is not None

    @property
    def ids(self) -> dict[str, str]:
        """Return the ids in the path by the names that the route gives them, in order."""
        found = {}
        for part, value in zip(self.route.split("/"), self.path.split("/"), strict=False):
            before, brace, rest = part.partition("{")
            name, _, after = rest.partition("}")
            if brace:
                found[name] = unquote(value.removeprefix(before).removesuffix(after))
        return found

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer: status, headers with lower-case names, the whole body.

    Headers are cleaned when it is made, the body when it is read.

    :param content: the body as it came; nothing of it may leave but through :meth:`json` and :meth:`text`.
    :param redact: takes the key of the connection out of texts.
    :param base_url: of the connection; addresses in the answer are resolved against it.
    :param conceal: takes what was declared to be secret in the request out of texts for people, short ones included.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)
    redact: Redact | None = field(default=None, repr=False)
    base_url: str = ""
    conceal: Redact | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        headers = {name: one_line(value, self.redact, _MOST_HEADER) for name, value in self.headers.items()}
        object.__setattr__(self, "headers", headers)

    def json(self) -> Any:
        """Return the body as JSON, cleaned.

        :raises TransportError: reason ``unreadable`` when it is not JSON (a proxy's page, a cut body).
        """
        try:
            return parse_json(self.content, self.redact)
        except ValueError:
            msg = f"the answer (HTTP {self.status}) is not JSON; it starts with {self.text(80)!r}"
            raise TransportError(msg, reason="unreadable") from None

    def text(self, most: int) -> str:
        """Return the beginning of the body as one line for people, at most so many characters."""
        # more than is shown, so that the key is found although it goes beyond the end of that
        start = self.content[: most * 4 + _MOST_KEY].decode("utf-8", "replace")
        return self.shown(one_line(start.strip(), self.redact))[:most]

    def shown(self, text: str) -> str:
        """Return a text that was made of the answer as messages may show it."""
        return text if self.conceal is None else self.conceal(text)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request and how to read its answer.

    :param accepts: HTTP statuses that ``parse`` sees beside 2xx.
    """

    request: Request
    parse: Callable[[Response], T]
    accepts: frozenset[int] = field(default=frozenset(), kw_only=True)

    def again(self) -> Call[T]:
        """Return the call as it is repeated."""
        return self if self.request.repeated_with is None else replace(self, request=self.request.again())

    def changed(self, **changes: Any) -> Call[T]:
        """Return the same call with some parts of its request replaced."""
        return Call(replace(self.request, **changes), self.parse, accepts=self.accepts)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list and the call for the next, if there is one.

    :param ahead: calls for so many pages from the next on, where pages are known before those ahead of them are read.
    :param cut: why the list may have more although there is no next page, or has items that this page does not show.
    """

    items: Sequence[T]
    next: Call[Page[T]] | None = None
    ahead: Callable[[int], Sequence[Call[Page[T]]]] | None = None
    cut: str | None = None

    def following(self, count: int) -> Sequence[Call[Page[T]]]:
        """Return calls for at most ``count`` of the next pages; those that cannot be known yet are left out."""
        if self.next is None:
            return ()
        return (self.next,) if self.ahead is None else self.ahead(count)


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """A list that comes in pages."""

    first: Call[Page[T]]


@dataclass(frozen=True, slots=True)
class Pause:
    """What a flow yields to let time pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Once:
    """What a flow yields to have a call sent once, reads as well, and its answer awaited for so many seconds only."""

    call: Call[Any]
    seconds: float


#: A conversation with an API, without I/O: yields calls and pauses, is sent the answers of the calls (or has
#: their error thrown in) and returns its result. Sync and async clients drive the same one.
Flow = Generator[Call[Any] | Once | Pause, Any, T]


def path(template: str, **ids: str) -> str:
    """Fill validated, quoted ids into ``template``: ``path("/operations/{operation_id}", operation_id="op_1")``.

    :raises InvalidArgument: an id is empty or could break out of its place in the path.
    """
    return template.format(**{name: quote(check_id(name, value), safe="") for name, value in ids.items()})


def check_id(name: str, value: object) -> str:
    """Return ``value`` when it can be an id of a remote object.

    :raises InvalidArgument: it is not text, is empty, or has characters that no id has.
    """
    if isinstance(value, str) and _ID.fullmatch(value) and value != "None":
        return value
    raise InvalidArgument(f"{name} {_why_no_id(name, value)}")


def _why_no_id(name: str, value: object) -> str:
    if value is None or value == "None":
        return f"is {'None' if value is None else 'the text ' + repr(value)}: what was to give the id gave None"
    if isinstance(value, Mapping):
        is_resource = name.endswith("_id") and not name.endswith("operation_id")
        wanted = ("resource_id" if is_resource else "operation_id", "id")
        if part := next((key for key in wanted if key in value), None):
            return f"is a whole result and no id: hand over its {part}, as other_task.output[{part!r}] does"
        return f"is an object and no id: hand over the part that is the id, of {', '.join(map(str, value)):.200}"
    if isinstance(value, str) and is_list_text(value):
        return f"is a list as text, {value[:80]!r}: hand over the list itself where one may stand, else one id of it"
    if is_list(value):
        shown = f", {value!r:.80}," if isinstance(value, (list, tuple)) else ""
        one = (
            "give its ids one by one" if "[" in name else f"give one id, or map the task over it (.expand({name}=...))"
        )
        return f"is a list{shown} and no id: {one}"
    shown = repr(value if not isinstance(value, str) else value[:200])
    return (
        f"{shown:.200} cannot be an id: expected 1 to 128 letters, digits, '.', '_' or '-', "
        "beginning with a letter or digit; pass the id exactly as the API gave it"
    )


def check_path(method: str, value: object) -> None:
    """Refuse a method or path that a user gave and that could leave the API.

    :raises InvalidArgument: names what is wrong.
    """
    if method not in ("POST", "PUT", "PATCH", "DELETE"):
        msg = f"method {method!r} starts nothing: use POST, PUT, PATCH or DELETE"
        raise InvalidArgument(msg)
    if not isinstance(value, str) or not _PATH.fullmatch(value) or _leaves(value):
        msg = f"path {value!r} must be a path below the connection's base URL, like '/deployments', without query"
        raise InvalidArgument(msg)
    for segment in unquote(value).split("/"):
        before, colon, _ = segment.partition(":")
        if _NO_ID.fullmatch(before) or (colon and not before):
            what = repr(before) if before else "nothing"
            raise InvalidArgument(f"path {value!r} has {what} where an id belongs: what was to give the id gave None")


def _leaves(path: str) -> bool:
    """Return whether a quoted path means another place once it is decoded, however often, or breaks a line."""
    while True:
        if "//" in path or _LEAVING.search(path) or any(part in (".", "..") for part in path.split("/")):
            return True
        decoded = unquote(path, errors="replace")
        if decoded == path:
            return False
        path = decoded


def split_reference(name: str, value: object) -> tuple[str | None, str]:
    """Split ``session:A1B2`` into ``("session", "A1B2")``, a plain operation id into ``(None, id)``.

    References with a kind stand for things that some APIs let us wait for by their own status.

    :raises InvalidArgument: it is neither.
    """
    kind, colon, rest = value.partition(":") if isinstance(value, str) else ("", "", "")
    if colon and _KIND.fullmatch(kind):
        return kind, check_id(name, rest)
    return None, check_id(name, value)


def drop_none(**values: Any) -> dict[str, Any]:
    """Return the arguments that are not ``None``, for a body or query."""
    return {name: value for name, value in values.items() if value is not None}
