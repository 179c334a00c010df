"""What all parts of the simulated Akua share: keys, etags, lists, and the start of operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.akua.shapes import WORKSPACE, operation_json, script_of
from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.paging import page_cursor, page_rows
from airflow_provider_ops.simulator.records import Operation, Resource
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from airflow_provider_ops.simulator.api import SimulatedApi

    Answer = Callable[[], Reply]

LONGEST_KEY, LONGEST_ETAG = 64, 256


class Estate:
    """The world of one workspace."""

    def __init__(self, api: SimulatedApi) -> None:
        self._api = api
        self.world = api.world
        self._keys: dict[str, tuple[Hashable, Answer]] = {}
        now = self.world.now()
        # not in the table of resources: it was never created
        facts = {"tier": "free", "cancelled": False, "tier_changes": []}
        self.workspace = Resource("akua", "workspace", WORKSPACE, "Simulated", "active", now, now, facts)
        self.subdomain = Resource("akua", "subdomain", "wsd_simulated", "simulated", "reserved", now, now)
        self.regions = {
            one: Resource("akua", "region", one, name, "present", now, now, {"icon": None})
            for one, name in (("reg_eu", "Europe"), ("reg_us", "United States"))
        }

    def new_id(self, prefix: str) -> str:
        """Return a fresh id."""
        return f"{prefix}_{self.world.ids.lower(16)}"

    def once(self, call: Call, act: Callable[[], Answer], *, required: bool = False) -> Reply:
        """Carry a request out, or answer again what its key has got before."""
        key = header(call, "idempotency-key", LONGEST_KEY, required=required)
        body = call.body.model_dump_json() if call.body is not None else ""
        asked = (call.route.method, call.route.template, tuple(sorted(call.params.items())), body)
        if key is not None and key in self._keys:
            before, answer = self._keys[key]
            if before != asked:
                raise Problem("idempotency-key was used for another request", status=422)
            return answer()
        answer = act()
        if key is not None:
            self._keys[key] = (asked, answer)
        return answer()

    def start(
        self,
        call: Call,
        kind: str,
        owner: Resource,
        metadata: Mapping[str, Any],
        settle: Callable[[Operation], Mapping[str, Any] | None],
    ) -> Operation:
        """Start an operation; `settle` is called with its end and returns the response of a success."""

        def on_settled(operation: Operation) -> None:
            operation.reason = operation.reason or f"operation {operation.stage}"
            operation.details["response"] = settle(operation) or {}

        details = {"metadata": {name: value for name, value in metadata.items() if value is not None}}
        operation_id = self.new_id("op")
        return self._api.start(call, kind, operation_id, owner, script_of(kind), on_settled, details)

    def accepted(self, operation: Operation) -> Answer:
        """Return the answer that is the operation, as it is whenever it is asked for."""
        # only the calls about machines say the id twice
        alias = {"operation_id": operation.id} if operation.kind.startswith("machine.") else {}
        return lambda: Reply(202, {**operation_json(operation, self.world.now(), steps=True), **alias})

    def enveloped(self, operation: Operation) -> Answer:
        """Return the answer that is the operation's id."""
        return lambda: Reply(202, {"operation_id": operation.id})

    def get(self, kind: str, resource_id: str) -> Resource:
        """Return a resource that exists."""
        row = self.world.resources.get(resource_id)
        if row is None or row.kind != kind or row.deleted:
            raise Problem(f"{kind} not found", status=404)
        return row

    def free(self, call: Call, row: Resource) -> Resource:
        """Return the resource when the etag is right and no operation on it is running."""
        self.check_etag(call, row.version)
        if row.operation is not None:
            raise Problem(f"{row.kind} has an operation in progress", status=409)
        return row

    def check_etag(self, call: Call, version: int) -> None:
        """Refuse a request that has not seen the newest version."""
        if header(call, "if-match", LONGEST_ETAG, required=True) != str(version):
            message = "ABORTED: if-match is not the current etag"
            raise Problem(message, status=409, extra={"metadata": {"current_etag": str(version)}})

    def touch(
        self, row: Resource, status: str | None = None, *, deleted: bool = False, at: float | None = None
    ) -> None:
        """Change a resource, one that is not in the table included."""
        if row.seq >= 0:
            self.world.update(row, status=status, deleted=deleted, at=at)
            return
        row.status, row.deleted = status or row.status, row.deleted or deleted
        row.updated_at = self.world.now() if at is None else at
        row.version += 1

    def change(
        self,
        call: Call,
        kind: str,
        row: Resource,
        words: tuple[str, str],
        metadata: Mapping[str, Any],
        response: Mapping[str, Any] | None = None,
    ) -> Operation:
        """Start what leads a resource through one status to another; back to the old one if it fails."""
        before = row.status
        during, after = words

        def settle(operation: Operation) -> Mapping[str, Any]:
            done = operation.stage == "succeeded"
            self.touch(row, after if done else before, deleted=done and after == "deleted", at=operation.ended_at)
            return {f"{row.kind}_id": row.id} if response is None else response

        operation = self.start(call, kind, row, metadata, settle)
        self.touch(row, during)
        return operation

    def remove(
        self,
        call: Call,
        kind: str,
        owner: Resource,
        row: Resource,
        ids: Mapping[str, str],
        response: Mapping[str, Any],
    ) -> Operation:
        """Start the deletion of what has no operations of its own: it is its owner that has them."""
        self.check_etag(call, row.version)
        if row.status == "releasing":
            raise Problem(f"{row.kind} is being deleted already", status=409)
        before = row.status

        def settle(operation: Operation) -> Mapping[str, Any]:
            done = operation.stage == "succeeded"
            self.touch(row, "deleted" if done else before, deleted=done, at=operation.ended_at)
            return {**ids, **response}

        headers = {"if_match": call.headers["if-match"], "idempotency_key": call.headers["idempotency-key"]}
        operation = self.start(call, kind, owner, {**ids, **headers}, settle)
        self.touch(row, "releasing")
        return operation

    def listed(
        self,
        call: Call,
        kind: str,
        to_json: Callable[[Resource], dict[str, Any]],
        filters: Mapping[str, Hashable | None] | None = None,
    ) -> Reply:
        """Return a page of resources."""
        wanted = {name: value for name, value in (filters or {}).items() if value is not None}
        rows, page = page_cursor(
            self.world.resources,
            call.query.cursor,
            call.query.limit,
            {"kind": kind, "deleted": False, **wanted},
        )
        return paged([to_json(row) for row in rows], page.next_cursor)


def part(rows: Sequence[dict[str, Any]], call: Call) -> Reply:
    """Return a page of what is not in the table of resources."""
    same = {**call.params, **call.query.model_dump(exclude={"cursor", "limit"}), "list": call.route.template}
    shown, page = page_rows(rows, call.query.cursor, call.query.limit, same)
    return paged(shown, page.next_cursor)


def paged(rows: Sequence[dict[str, Any]], cursor: str | None = None) -> Reply:
    """Return the answer of a list."""
    return Reply(200, {"data": list(rows), "has_more": cursor is not None, "next_cursor": cursor})


def header(call: Call, name: str, longest: int, *, required: bool) -> str | None:
    """Return a header of a bounded length."""
    value = call.headers.get(name)
    if value is None and not required:
        return None
    if not value or len(value) > longest:
        raise Problem(f"header {name} of 1 to {longest} characters is needed", status=400)
    return value


def check_region(estate: Estate, region_id: str) -> None:
    """Refuse a region that does not exist, with the path of the server's own names."""
    if region_id not in estate.regions:
        raise invalid("unknown region", "args", "regionId")


def need(row: Resource, *statuses: str) -> None:
    """Refuse what only makes sense in another state."""
    if row.status not in statuses:
        raise Problem(f"{row.kind} is {row.status}, not {' or '.join(statuses)}", status=409)


def invalid(message: str, *where: str) -> Problem:
    """Return the refusal of a value that points to nothing."""
    return Problem(message, status=422, where=where)
