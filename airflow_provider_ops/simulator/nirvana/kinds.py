"""One class per kind of resource: its endpoints, and what becomes of it when an operation settles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_ops.simulator.api import Call, Reply
from airflow_provider_ops.simulator.nirvana import catalogue, shapes
from airflow_provider_ops.simulator.nirvana.estate import check_idle
from airflow_provider_ops.simulator.nirvana.listing import listed
from airflow_provider_ops.simulator.nirvana.queries import FilterQuery, ListQuery
from airflow_provider_ops.simulator.routing import Route
from airflow_provider_ops.simulator.validation import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel

    from airflow_provider_ops.simulator.nirvana.estate import Estate
    from airflow_provider_ops.simulator.records import Operation, Resource


class Kind:
    """A kind of resource with create, read, update and delete, as far as it has the models for them."""

    word: ClassVar[str]
    scope: ClassVar[str]
    """Resource type that a key must have the permission for."""
    collection: ClassVar[str]
    id_name: ClassVar[str]
    parent: ClassVar[tuple[str, str] | None] = None
    """Kind of what it is inside of, and the name of that one's id in paths."""
    create: ClassVar[type[BaseModel] | None] = None
    update: ClassVar[type[BaseModel] | None] = None
    query: ClassVar[type[ListQuery]] = FilterQuery
    deletes: ClassVar[bool] = True
    askable: ClassVar[tuple[str, ...]] = ("availability", "cost")
    """What can be asked before a create or an update."""
    waits: ClassVar[bool] = False
    """Whether even a delete is refused while an operation is active."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate

    @property
    def one(self) -> str:
        """Path template of one resource."""
        return f"{self.collection}/{{{self.id_name}}}"

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        read, edit = f"{self.scope}:read", f"{self.scope}:edit"
        found = [
            Route("GET", self.collection, self._list, read, query=self.query),
            Route("GET", self.one, self._get, read),
        ]
        if self.create is not None:
            found.append(Route("POST", self.collection, self._create, edit, body=self.create))
        if self.update is not None:
            found.append(Route("PATCH", self.one, self._update, edit, body=self.update))
        if self.deletes:
            found.append(Route("DELETE", self.one, self._delete, edit))
        return [*found, *self._questions(edit)]

    def _questions(self, scope: str) -> Iterator[Route]:
        answers = {"availability": (self._available, self._update_available), "cost": (self._cost, self._update_cost)}
        for what in self.askable:
            create, update = answers[what]
            yield Route("POST", f"{self.collection}/{what}", create, scope, body=self.create)
            yield Route("PATCH", f"{self.one}/{what}", update, scope, body=self.update)

    def show(self, row: Resource) -> dict[str, Any]:
        """Return its JSON."""
        raise NotImplementedError

    def facts(self, body: Any, parent: Resource | None) -> dict[str, Any]:  # noqa: ARG002
        """Return what to remember of a body, or raise a Problem for what cannot be."""
        return {}

    def fits(self, row: Resource, new: Mapping[str, Any]) -> None:
        """Raise a Problem for a change that cannot be."""

    def may_go(self, row: Resource) -> None:
        """Raise a Problem if it cannot be deleted now."""

    def started(self, row: Resource, body: Any) -> None:
        """Do what a create does at once."""

    def made(self, row: Resource) -> None:
        """Do what a finished create does."""

    def changed(self, row: Resource, new: Mapping[str, Any]) -> None:
        """Do what a finished update does beyond its fields."""

    def gone(self, row: Resource, at: float | None) -> None:
        """Do what a finished delete does to other things."""

    def find(self, call: Call) -> Resource:
        """Return what the path names."""
        self.holder(call)
        parent = call.params[self.parent[1]] if self.parent else None
        return self.estate.get(self.word, call.params[self.id_name], parent)

    def holder(self, call: Call) -> Resource | None:
        """Return what the resource of the path is inside of."""
        return self.estate.get(self.parent[0], call.params[self.parent[1]]) if self.parent else None

    def accept(self, operation: Operation) -> Reply:
        """Return the answer to everything that starts an operation."""
        return Reply(202, shapes.operation(operation))

    def _list(self, call: Call) -> Reply:
        holder = self.holder(call)
        facets = {"parent": holder.id} if holder else {"project": call.query.project_id}
        rows = [row for row in self.estate.rows(self.word, **facets) if self.estate.is_readable(row)]
        if tags := getattr(call.query, "tags", None):
            # before anything is shown: this is how clients search for one resource among thousands
            rows = [row for row in rows if set(tags.split(",")) <= set(row.details["tags"])]
        return listed(rows, call, self.show)

    def _get(self, call: Call) -> Reply:
        row = self.find(call)
        if not self.estate.is_readable(row):
            raise Problem(f"{self.word} {row.id} not found", status=404)
        return Reply(200, self.show(row))

    def _create(self, call: Call) -> Reply:
        parent = self.holder(call)
        details = self._new(call.body, parent)
        row = self.estate.add(self.word, call.body.name, details)
        self.started(row, call.body)
        return self.accept(self.estate.start(call, f"{self.word}.create", row, self._settled))

    def _new(self, body: Any, parent: Resource | None) -> dict[str, Any]:
        if getattr(body, "region", catalogue.REGION) != catalogue.REGION:
            raise Problem(f"region: {body.region!r} is not live; live: {catalogue.REGION}", kind="invalid")
        fields = body.model_dump()
        owner = {"parent": parent.id, "project_id": parent.details["project_id"]} if parent else {"parent": None}
        details = {**fields, **owner, "nested": parent is not None, "tags": fields.get("tags") or []}
        details.update(self.facts(body, parent))
        _check_capacity(details)
        return details

    def _update(self, call: Call) -> Reply:
        row = self.find(call)
        new = self._fields(call)
        self.fits(row, new)
        _check_capacity(new)
        check_idle(row)
        return self.accept(self.begin_update(call, row, new))

    def _fields(self, call: Call) -> dict[str, Any]:
        fields: dict[str, Any] = call.body.model_dump(exclude_none=True)
        return fields

    def begin_update(self, call: Call, row: Resource, new: Mapping[str, Any], verb: str = "update") -> Operation:
        """Start an operation that changes fields."""
        changes = {name: {"from": self._now(row, name), "to": value} for name, value in new.items()}
        changes = {name: change for name, change in changes.items() if change["from"] != change["to"]}
        self.estate.change(row, status="updating")
        details = {"changes": changes, "new": dict(new)}
        return self.estate.start(call, f"{self.word}.{verb}", row, self._settled, details)

    @staticmethod
    def _now(row: Resource, name: str) -> Any:
        return row.name if name == "name" else row.details.get(name)

    def _delete(self, call: Call) -> Reply:
        row = self.find(call)
        if self.waits or row.status == "deleting":
            check_idle(row)
        self.may_go(row)
        overtaken = row.operation
        self.estate.change(row, status="deleting")
        operation = self.estate.start(call, f"{self.word}.delete", row, self._settled)
        if overtaken is not None:
            self.estate.world.cancel(overtaken, "overtaken by a delete")
        return self.accept(operation)

    def _settled(self, operation: Operation) -> None:
        row, succeeded = operation.resource, operation.stage == "succeeded"
        if row.operation is not operation:
            return  # a delete has taken over
        verb = operation.kind.rpartition(".")[2]
        if verb == "delete" and succeeded:
            self.estate.remove(row, operation.ended_at)
            self.gone(row, operation.ended_at)
            return
        status = "ready" if succeeded or verb in ("update", "restart") else "error"
        self.estate.change(row, status=status, at=operation.ended_at)
        if succeeded and verb == "create":
            self.made(row)
        elif succeeded and verb == "update":
            self._apply(row, operation.details["new"])

    def _apply(self, row: Resource, new: Mapping[str, Any]) -> None:
        fields = dict(new)
        row.name = fields.pop("name", row.name)
        row.details.update(fields)
        self.changed(row, new)
        # what lists are filtered by may be among the fields
        self.estate.change(row, at=row.updated_at)

    def _available(self, call: Call) -> Reply:
        self._new(call.body, self.holder(call))
        return Reply(204)

    def _update_available(self, call: Call) -> Reply:
        row, new = self.find(call), self._fields(call)
        self.fits(row, new)
        _check_capacity(new)
        return Reply(204)

    def _cost(self, call: Call) -> Reply:
        self.holder(call)
        return Reply(200, catalogue.price(call.body.model_dump(), self.estate.now()))

    def _update_cost(self, call: Call) -> Reply:
        row = self.find(call)
        after = {**row.details, **self._fields(call)}
        return Reply(200, catalogue.price_change(row.details, after, self.estate.now()))


def _check_capacity(fields: Mapping[str, Any]) -> None:
    machine = fields.get("instance_type") or (fields.get("node_config") or {}).get("instance_type")
    if machine == catalogue.SOLD_OUT:
        raise Problem(f"no capacity for instance type {machine} in {catalogue.REGION}", kind="invalid")


class Part(Kind):
    """A kind that no call makes."""

    deletes = False
    askable = ()
    query = ListQuery

    def show(self, row: Resource) -> dict[str, Any]:
        """Return its JSON."""
        return shapes.part(row)
