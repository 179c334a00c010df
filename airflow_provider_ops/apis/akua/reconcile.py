"""What a submit has started whose answer was never seen [sections 2, 4 and 10]."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_ops.apis.akua.metadata import KNOWN_TYPES
from airflow_provider_ops.apis.akua.schemas import key_of, listing, to_operation
from airflow_provider_ops.apis.akua.starts import CANCEL_SUBSCRIPTION, AkuaCall, ids_of, owner_id
from airflow_provider_ops.apis.calls import Flow, Page, Paged, Request
from airflow_provider_ops.apis.submits import Intent, Submitted
from airflow_provider_ops.apis.whole_lists import ListRead, all_items, read_list
from airflow_provider_ops.apis.window import Window, began
from airflow_provider_ops.exceptions import AmbiguousSubmission
from airflow_provider_ops.operation import Operation, OperationState

#: Types whose operations carry the caller's key.
WITH_KEY = ("install.create", "package.create", "workspace.subdomain.set_name", "preview_hostname.", "custom_domain.")


def can_find(start: AkuaCall) -> bool:
    """Return whether what this call has started can be distinguished from what others have started.

    New clusters and machines carry neither a key nor anything else of ours, and a render does not show who asked.
    """
    if start.creates:
        return start.kind.startswith(WITH_KEY)
    # what a render was made for is not in its operation
    return start.kind not in ("install.update", "install.restore", "install.automatic_updates", "install.render")


def find(start: AkuaCall, intent: Intent) -> Flow[list[Submitted]]:
    """Return the operations that are its: by the key that they carry, else those since the request was sent."""
    request = intent.submit.request
    owner = owner_id(start, request)
    query = {"owner_type": start.owner, "owner_id": owner} if owner else {}
    window = Window(intent)
    recent = yield from _since(listing("/operations", to_operation, query), window)
    if start.word is not None:
        _refuse_to_guess(request, recent)
    ours = [_found(start, operation) for operation in recent if _is_ours(start, intent, operation)]
    keyed = [one for one in ours if one.operation is not None and key_of(one.operation) == intent.key]
    return keyed or window.choose(ours, began)


def _refuse_to_guess(request: Request, recent: Sequence[Operation]) -> None:
    """Stop where an operation may be that of a change of the subscription, and may be that of another one.

    :raises AmbiguousSubmission: names the operations.
    """
    unclear = [operation.id for operation in recent if operation.kind == CANCEL_SUBSCRIPTION.kind]
    if unclear:
        raise AmbiguousSubmission(
            f"the outcome of {request} is unknown: {', '.join(unclear)} began since then, and Akua has one type of "
            "operation for all changes of a subscription. Nothing was submitted again. Check the subscription of the "
            "workspace; if it is as wanted, mark this task as successful, else clear it.",
            [f"operation {name}" for name in unclear],
        )


def find_owned(start: AkuaCall, is_ours: Callable[[str], bool]) -> Flow[list[Submitted]]:
    """Return the creates whose operation carries a key that is searched for."""
    operations = yield from all_items(listing("/operations", to_operation))
    return [
        replace(_found(start, operation), key=key)
        for operation in operations
        if operation.kind == start.kind and (key := key_of(operation)) is not None and is_ours(key)
    ]


def find_deletion(start: AkuaCall, request: Request) -> Flow[Submitted | None]:
    """Return the operation that has deleted, or is deleting, what can no longer be read."""
    query = {"owner_type": start.owner, "owner_id": owner_id(start, request)}
    page: Page[Operation] = yield listing("/operations", to_operation, query).first
    ended = (OperationState.FAILED, OperationState.CANCELLED)
    matches = [item for item in page.items if item.kind == start.kind and item.state not in ended]
    return next((_found(start, item) for item in matches if _agrees(request, _metadata(item))), None)


def _since(paged: Paged[Operation], window: Window) -> Flow[list[Operation]]:
    """Return the operations that may be new enough; newest come first, so one that is certainly too old ends it.

    :raises IncompleteList: there may be more.
    """

    def is_young(operation: Operation) -> bool:
        return not window.is_certain or window.contains(operation.created_at)

    def is_last(page: Page[Operation]) -> bool:
        return not all(map(is_young, page.items))

    read: ListRead[Operation] = yield from read_list(window.noting(paged), is_last=is_last)
    if read.gap is not None:
        raise read.gap
    return [operation for operation in read.items if is_young(operation)]


def _found(start: AkuaCall, operation: Operation) -> Submitted:
    return Submitted(operation.id, start.kind, operation.resource_type, operation.resource_id, operation, operation.url)


def _is_ours(start: AkuaCall, intent: Intent, operation: Operation) -> bool:
    if not _is_kind(start, operation.kind):
        return False
    metadata, request = _metadata(operation), intent.submit.request
    recorded = key_of(operation)
    # two deletions of one thing are one; two of anything else are two
    if start.creates or (recorded is not None and request.method != "DELETE"):
        return recorded is not None and recorded == intent.key
    return _agrees(request, metadata)


def _metadata(operation: Operation) -> Mapping[str, Any]:
    return operation.raw.get("metadata") or {}


def _agrees(request: Request, metadata: Mapping[str, Any]) -> bool:
    """Return whether nothing that the operation shows of its request contradicts this one."""
    body = request.json if isinstance(request.json, Mapping) else {}
    return all(metadata.get(name) in (None, value) for name, value in {**ids_of(request), **body}.items())


def _is_kind(start: AkuaCall, kind: str) -> bool:
    if start.word is None:
        return kind == start.kind
    # its type is not documented: any that no other call is known to have, and that does not speak of another matter
    others = {"reactivate", "tier"} - {start.word}
    return kind not in KNOWN_TYPES and not any(word in kind.lower() for word in others)
