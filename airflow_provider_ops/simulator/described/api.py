"""One API from its spec: every call starts an operation that moves through its states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from airflow_provider_ops.simulator.api import Call, Principal, Reply, SimulatedApi
from airflow_provider_ops.simulator.described.access import Access
from airflow_provider_ops.simulator.described.bodies import Answer
from airflow_provider_ops.simulator.described.listed import Listed
from airflow_provider_ops.simulator.described.operations import Shown
from airflow_provider_ops.simulator.described.requests import Known, SpecRouter, choose, known_requests, texts_of
from airflow_provider_ops.simulator.lifecycle import Script
from airflow_provider_ops.simulator.records import Operation, Phase, Resource
from airflow_provider_ops.simulator.validation import Kind, Problem
from airflow_provider_ops.spec.auth import ApiKey
from airflow_provider_ops.spec.expressions import follow, parse_pointer
from airflow_provider_ops.spec.promises import is_idempotent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_ops.simulator.clock import Clock
    from airflow_provider_ops.simulator.routing import Route
    from airflow_provider_ops.simulator.world import Settings
    from airflow_provider_ops.spec import ApiSpec
    from airflow_provider_ops.spec.sections import CallSpec

_SCRIPT = Script((Phase("first half", "First half"), Phase("second half", "Second half")))
_CONFLICT, _GONE = 409, 410


class SpecApi(SimulatedApi):
    """The simulated API of a spec."""

    spec: ClassVar[ApiSpec]
    choices: ClassVar[Mapping[str, str]] = {
        "everything": "The spec says what is read where; all else, such as validation of bodies, is not simulated."
    }
    problems: ClassVar[Mapping[Kind, tuple[int, str | int]]] = {
        "malformed": (400, "BAD_REQUEST"),
        "invalid": (400, "BAD_REQUEST"),
        "unauthenticated": (401, "UNAUTHENTICATED"),
        "forbidden": (403, "FORBIDDEN"),
        "no_route": (404, "NOT_FOUND"),
        "no_method": (405, "METHOD_NOT_ALLOWED"),
        "rate_limited": (429, "RATE_LIMITED"),
        "broken": (500, "INTERNAL"),
    }
    codes: ClassVar[Mapping[int, str | int]] = {
        400: "BAD_REQUEST",
        401: "UNAUTHENTICATED",
        403: "FORBIDDEN",
        404: "NOT_FOUND",
        409: "CONFLICT",
        429: "RATE_LIMITED",
        500: "INTERNAL",
        503: "UNAVAILABLE",
    }

    def __init__(self, settings: Settings, clock: Clock) -> None:
        super().__init__(settings, clock)
        self._shown = Shown(self.spec)
        self._listed = Listed(self.spec, self._shown, self.world.operations, self.mount)
        self._access = Access(self.spec, self.world.now, self.world.ids.uuid)
        self._known = known_requests(self.spec, self._access.token_lines)
        #: A call that is the request of ``delete`` deletes as well, and its operation says when that is done.
        self._deletes = {one.line.shape for one in self._known if one.part == "delete"}

    def routes(self) -> list[Route]:
        """Return nothing: the spec's own router knows them."""
        return []

    def router(self) -> Any:
        """Return what finds the request of the spec that a request is."""
        return SpecRouter(self._known, self._serving)

    def local_path(self, path: str) -> str:
        """Return a path below the base URL; clients of the vendor may bring the path of the base URL themselves."""
        base = urlsplit(self.spec.base_url).path.rstrip("/")
        return path[len(base) :] if base and path.startswith(f"{base}/") else path

    def is_open(self, method: str, path: str) -> bool:
        """Return whether a request asks for a token."""
        return self._access.is_open(method, path)

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return who calls, by one of the ways of the spec to prove it."""
        return self._access.authenticate(headers)

    def envelope(self, status: int, code: str | int, problem: Problem) -> Any:
        """Return an error where the spec reads it, else as RFC 9457 has it."""
        error = self.spec.error
        if error is None:
            return {"type": "about:blank", "title": str(code), "status": status, "detail": problem.message}
        answer = Answer({})
        answer.put(error.code, code)
        answer.put(error.message, problem.message)
        return answer.body

    def subject_of(self, params: Mapping[str, str], query: str, body: bytes) -> Resource | None:
        """Return the resource of a request: that of its path, else that of the one operation in query or body."""
        found = super().subject_of(params, query, body)
        if found is not None:
            return found
        operations = {one.id: one for text in texts_of(query, body) if (one := self.world.operations.get(text))}
        return next(iter(operations.values())).resource if len(operations) == 1 else None

    def name_given(self, params: Mapping[str, str], body: Any) -> str | None:
        """Return the name in a body, else the last id in a path: what the call acts on."""
        return super().name_given(params, body) or next(reversed(list(params.values())), None)

    def _serving(self, known: Sequence[Known]) -> Callable[[Call], Any]:
        def serve(call: Call) -> Any:
            query = dict(call.query.model_extra or {})
            alike, values = choose(known, query)
            one, lists = alike[0], [each for each in alike if self._listed.lists(each)]
            if one in lists:
                return self._listed.page(call, lists, {**values, **call.params})
            return getattr(self, f"_{one.part}")(call, one, {**values, **call.params})

        return serve

    # -- submits

    def _call(self, call: Call, known: Known, values: Mapping[str, str]) -> Reply:
        spec = known.call
        if spec is None:
            raise Problem("no such call", kind="no_route")
        mark = self._mark(call, spec)
        target = known.line.path.fill_path(lambda one: values.get(one.name))
        first = self._of_mark(mark) if mark and self._repeats(spec) else None
        if first is None and is_idempotent(self.spec, spec):
            # the same request again changes nothing while the first is carried out
            first = next((one for one in self._at(target) if not one.settled), None)
        if first is not None:
            return self._shown.submitted(spec, first)
        if mark and self._is_taken(spec, mark):
            raise Problem("it exists already", status=self._taken_status(spec))
        deletes = known.line.shape in self._deletes
        resource = self._deletable(values) if deletes else self._resource(call, spec, values, mark)
        operation_id = self._shown.new_id(self.world.ids.uuid(), spec, mark, values)
        details = {"mark": mark, "target": target, "deletes": deletes}
        started = self.start(call, spec.kind, operation_id, resource, _SCRIPT, self._settled, details)
        return self._shown.submitted(spec, started)

    def _is_taken(self, call: CallSpec, mark: str) -> bool:
        """Return whether the API refuses a second resource with the same name."""
        return self.spec.of_submit(call, "already") is not None and self._of_mark(mark) is not None

    def _taken_status(self, call: CallSpec) -> int:
        already = self.spec.of_submit(call, "already")
        return already.status[0] if already is not None and already.status else _CONFLICT

    def _at(self, target: str) -> list[Operation]:
        """Return the operations on what has this path, the newest first."""
        return [one for one in reversed(list(self.world.operations)) if one.details.get("target") == target]

    def _repeats(self, call: CallSpec) -> bool:
        mark = self.spec.inherited(call, "mark")
        return bool(mark and mark.idempotent)

    def _mark(self, call: Call, spec: CallSpec) -> str | None:
        mark = self.spec.inherited(spec, "mark")
        if mark is None:
            return None
        if mark.in_ == "header":
            return call.headers.get(mark.name.lower())
        if mark.in_ == "query":
            return (call.query.model_extra or {}).get(mark.name)
        body = call.body.root if call.body is not None else None
        pointer = parse_pointer(mark.name)
        found = follow(body, (*pointer[:-1], "*") if pointer[-1] == "-" else pointer)
        # what was appended is the last
        return str(found[-1]) if found else None

    def _of_mark(self, mark: str) -> Operation | None:
        return next((one for one in self.world.operations if one.details.get("mark") == mark), None)

    def _resource(self, call: Call, spec: CallSpec, values: Mapping[str, str], mark: str | None) -> Resource:
        kind = spec.creates or spec.noun or "resource"
        # what is made has no id in the path: that would be what it is made in
        params = {} if spec.creates else values
        resource_id = next(reversed(list(params.values())), None)
        known = self.world.resources.get(resource_id) if resource_id else None
        if known is not None:
            return known
        body = call.body.root if call.body is not None else None
        name = self.name_given(params, body) or f"{kind}-{self.world.ids.lower(6)}"
        resource_id = resource_id or self._shown.new_resource_id(self.world.ids.uuid())
        return self.world.add(kind, resource_id, name, "creating", {"mark": mark})

    def _settled(self, operation: Operation) -> None:
        if operation.resource.created_by == operation.id:
            ready = operation.stage == "succeeded"
            self.world.update(operation.resource, status="ready" if ready else "failed", at=operation.ended_at)
        if operation.details["deletes"] and operation.stage == "succeeded":
            self.world.update(operation.resource, status="deleted", deleted=True, at=operation.ended_at)

    # -- reads

    def _get(self, _call: Call, _known: Known, values: Mapping[str, str]) -> Reply:
        return self._shown.one(self._operation(values["operation_id"]))

    async def _wait(self, _call: Call, _known: Known, values: Mapping[str, str]) -> Reply:
        operation = self._operation(values["operation_id"])
        await self.world.until_settled(operation, float(values.get("seconds") or 1.0))
        return self._shown.one(operation)

    def _target(self, _call: Call, known: Known, values: Mapping[str, str]) -> Reply:
        found = self._at(known.line.path.fill_path(lambda one: values.get(one.name)))
        if not found:
            raise Problem("no such resource", status=404)
        return self._shown.one(found[0])

    def _located(self, _call: Call, _known: Known, values: Mapping[str, str]) -> Reply:
        operation = self._operation(values["operation_id"])
        return Reply(200, {"result": "done"}) if operation.stage == "succeeded" else Reply(202, {})

    def _operation(self, operation_id: str) -> Operation:
        found = self.read_operation(operation_id)
        if found is None:
            raise Problem("operation not found", status=404)
        return found

    def _check(self, _call: Call, _known: Known, _values: Mapping[str, str]) -> Reply:
        return Reply(200, {})

    def _login(self, call: Call, _known: Known, _values: Mapping[str, str]) -> Reply:
        return self._access.give_token(call)

    def _result(self, _call: Call, _known: Known, _values: Mapping[str, str]) -> Reply:
        return Reply(200, {"result": "done"})

    # -- searches

    def _find(self, _call: Call, known: Known, values: Mapping[str, str]) -> Reply:
        """Return the one that has a key; see :class:`Listed` for searches that show several."""
        rows = self._listed.matching(values)
        if not rows:
            raise Problem("nothing has this key", status=404)
        found = self._shown.found(self.spec.inherited(known.call, "find"), rows[-1])
        # the same address may be that of the operation
        return Reply(200, {**self._shown.entry(rows[-1]), **found})

    # -- ending

    def _cancel(self, call: Call, _known: Known, values: Mapping[str, str]) -> Reply:
        body = call.body.root if call.body is not None else None
        in_body = [str(one) for one in body.values()] if isinstance(body, dict) else []
        operation = self._operation(values.get("operation_id") or next(filter(self.world.operations.get, in_body), ""))
        if operation.settled:
            raise Problem("the operation has settled", status=409)
        self.world.cancel(operation, "cancelled on request")
        return self._shown.one(operation, accepted=True)

    def _delete(self, _call: Call, _known: Known, values: Mapping[str, str]) -> Reply:
        self.world.update(self._deletable(values), status="deleted", deleted=True)
        return Reply(204)

    def _deletable(self, values: Mapping[str, str]) -> Resource:
        """Return the resource that the last id of a path names."""
        resource = self.world.resources.get(next(reversed(list(values.values())), ""))
        if resource is None or resource.deleted:
            raise Problem("no such resource", status=404 if resource is None else _GONE)
        creating = self.world.operations.get(resource.created_by or "")
        if creating is not None:
            self.world.cancel(creating, "its resource is being deleted")
        return resource


def simulated(spec: ApiSpec) -> type[SimulatedApi]:
    """Return the class of the simulated API of a spec, served at ``/<name>``."""
    header = spec.auth[0].name.lower() if isinstance(spec.auth[0], ApiKey) else "authorization"
    facts = {
        "spec": spec,
        "name": spec.name,
        "mount": f"/{spec.name}",
        "key_headers": SimulatedApi.key_headers | {header},
        "connection_type": "operations",
        "connection_extra": {"api": spec.model_dump_json()},
    }
    return type("SpecApi", (SpecApi,), facts)
