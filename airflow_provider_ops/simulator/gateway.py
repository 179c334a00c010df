"""What happens to every request of an API, in order: count, rate limit, fault, check, carry out, answer."""

from __future__ import annotations

import inspect
import json
import math
import sys
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import delivery
from .api import Call, Principal, Reply
from .faults import Subject, retry_after
from .routing import Match, NoMatch
from .rules import HangFault, HtmlFault, RequestRule, ResetFault, StatusFault
from .stats import CUT, Seen
from .validation import Problem, parse_body, parse_query

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from .api import SimulatedApi
    from .app import Simulator
    from .lifecycle import Fate
    from .network import Connection
    from .records import Resource

BODY_LIMIT = 1_048_576
"""Bytes of a request body that are read."""

SHORTEST_KEY = 6
"""Characters from which on a key is searched for in the other parts of a request."""


@dataclass(frozen=True)
class Request:
    """A request as it came in."""

    method: str
    path: str
    """Relative to the mount, still quoted."""
    query: str
    headers: dict[str, str]
    body: bytes
    match: Match | NoMatch

    @property
    def template(self) -> str | None:
        """Return the path template of the route, None for a path that does not exist."""
        return self.match.route.template if isinstance(self.match, Match) else None


@dataclass
class Bucket:
    """A budget of requests: `rate` per second, at most one second's worth saved up."""

    rate: float
    tokens: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = max(1.0, self.rate)

    def take(self, now: float) -> float:
        """Take one and return 0, or return the seconds until there is one."""
        self.tokens = min(max(1.0, self.rate), self.tokens + max(0.0, now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return (1 - self.tokens) / self.rate
        self.tokens -= 1
        return 0.0


class Gateway:
    """The ASGI application of one API; it survives resets, the API behind it does not."""

    def __init__(self, simulator: Simulator, name: str) -> None:
        self._simulator = simulator
        self._name = name
        self._mount = simulator.apis[name].mount
        self._unknown = f"{self._mount}/*"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        connection = self._simulator.connections.of(scope)
        with self._simulator.clock.serving(lambda: connection is None or not connection.lost.is_set()):
            await self._serve(scope, receive, send, connection)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, connection: Connection | None) -> None:
        simulator, api = self._simulator, self._simulator.apis[self._name]
        stats, now = simulator.stats, api.world.advance()
        request = await self._read(scope, receive)
        template = f"{self._mount}{request.template}" if request.template else self._unknown
        stats.begin(self._name, f"{request.method} {template}", connection, now)
        rule: RequestRule | None = None
        status = CUT
        try:
            rule, reply = await self._answer(api, request)
            if rule is None and reply is not None:
                for observer in simulator.observers:
                    observer(self._name, request, reply)
            if simulator.settings.latency:
                await simulator.clock.asleep(simulator.settings.latency)
            status = await delivery.deliver(delivery.Line(connection, send, simulator.clock), reply, rule)
        finally:
            stats.end(_seen(api, request, now, status, getattr(rule, "fault", None)))

    async def _read(self, scope: Scope, receive: Receive) -> Request:
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        path = self._simulator.apis[self._name].local_path(raw_path.decode("latin-1")[len(self._mount) :])
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body, more = b"", True
        while more and len(body) <= BODY_LIMIT:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        method = scope["method"]
        query = scope["query_string"].decode("latin-1")
        return Request(method, path, query, headers, body, self._simulator.routers[self._name].match(method, path))

    async def _answer(self, api: SimulatedApi, request: Request) -> tuple[RequestRule | None, Reply | None]:
        bucket = self._simulator.buckets.get(self._name)
        if bucket and (pause := bucket.take(api.world.now())):
            message = f"Rate limit exceeded. Retry after {math.ceil(pause)} seconds."
            headers = {"Retry-After": str(math.ceil(pause))}
            return None, api.refuse(Problem(message, kind="rate_limited", headers=headers))
        rule = self._simulator.plan.strike_request(self._subject(api, request))
        if rule is None:
            return None, await self._carry_out(api, request)
        reply = await self._carry_out(api, request) if rule.executes else None
        return rule, self._struck(api, rule, reply)

    def _struck(self, api: SimulatedApi, rule: RequestRule, reply: Reply | None) -> Reply | None:
        """Return the answer that a fault makes of the right one; None where there is none."""
        if isinstance(rule, StatusFault):
            headers = retry_after(rule, api.world.now())
            return api.refuse(Problem(rule.message, status=rule.status, code=rule.code, headers=headers))
        if isinstance(rule, HtmlFault):
            return Reply(rule.status, delivery.HTML)
        return None if isinstance(rule, (ResetFault, HangFault)) else reply

    async def _carry_out(self, api: SimulatedApi, request: Request) -> Reply:
        try:
            call = self._check(api, request)
            answer = call.route.handler(call)
            return await answer if inspect.isawaitable(answer) else answer
        except Problem as problem:
            return api.refuse(problem)
        except Exception:  # noqa: BLE001 - a bug of ours must be seen here and be an answer there
            traceback.print_exc(file=sys.stderr)
            return api.refuse(Problem("the simulator has a bug, see its error output", kind="broken"))

    def _check(self, api: SimulatedApi, request: Request) -> Call:
        """Return the checked call: key first, then path, scope, query and body."""
        principal = Principal() if api.is_open(request.method, request.path) else api.authenticate(request.headers)
        match = request.match
        if isinstance(match, NoMatch):
            raise _no_route(request, match)
        route = match.route
        if route.scope is not None and not principal.may(route.scope):
            message = f"API key lacks the required scope: {route.scope}"
            raise Problem(message, kind="forbidden")
        if len(request.body) > BODY_LIMIT:
            message = f"the body is larger than {BODY_LIMIT} bytes"
            raise Problem(message, kind="malformed", where=("body",))
        query = parse_query(route.query, request.query)
        content_type = request.headers.get("content-type", "")
        body = parse_body(route.body, request.body, content_type, optional=route.body_optional)

        def draw_fate(kind: str, resource: Resource) -> Fate:
            return self._simulator.plan.strike_operation(self._about(api, request, resource, kind))

        return Call(route, match.params, query, body, request.headers, principal, draw_fate)

    def _subject(self, api: SimulatedApi, request: Request) -> Subject:
        if not self._simulator.plan.needs_subject:
            return self._about(api, request, None)
        return self._about(api, request, _resource_of(api, request))

    def _about(
        self, api: SimulatedApi, request: Request, resource: Resource | None, kind: str | None = None
    ) -> Subject:
        return Subject(
            self._name,
            self._mount,
            request.method,
            request.path,
            request.template,
            resource_ids=api.spellings(resource.id) if resource else (),
            name=resource.name if resource else self._name_in(api, request),
            kind=kind,
        )

    def _name_in(self, api: SimulatedApi, request: Request) -> str | None:
        """Return the name that a request gives, if any rule asks for names."""
        if not self._simulator.plan.needs_subject:
            return None
        try:
            body = json.loads(request.body)
        except ValueError:
            body = None
        return api.name_given(request.match.params if isinstance(request.match, Match) else {}, body)


def _resource_of(api: SimulatedApi, request: Request) -> Resource | None:
    params = request.match.params if isinstance(request.match, Match) else {}
    return api.subject_of(params, request.query, request.body)


def _no_route(request: Request, match: NoMatch) -> Problem:
    if match.allowed:
        allowed = ", ".join(match.allowed)
        message = f"method {request.method} is not allowed here; allowed: {allowed}"
        return Problem(message, kind="no_method", headers={"Allow": allowed})
    return Problem("no such path", kind="no_route")


def _seen(api: SimulatedApi, request: Request, at: float, status: int, fault: str | None) -> Seen:
    """Return the log entry of a request, without its key wherever that stands."""
    shown, secrets = {}, []
    for name, value in request.headers.items():
        if name in api.key_headers:
            # The last word is the key itself, as in `Bearer <key>`.
            secrets += value.split()[-1:]
        else:
            shown[name] = value

    def clean(text: str) -> str:
        for secret in secrets:
            # What is shorter than this is a word of a test and would blacken half the line.
            text = text.replace(secret, "***") if len(secret) >= SHORTEST_KEY else text
        return text

    headers = {name: clean(value) for name, value in shown.items()}
    path, query = clean(f"{api.mount}{request.path}"), clean(request.query)
    subject = _resource_of(api, request)
    return Seen(at, api.name, request.method, path, query, headers, status, fault, subject.id if subject else None)
