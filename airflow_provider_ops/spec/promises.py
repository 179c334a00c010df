"""What a spec promises, call by call: how a lost answer is reconciled, what a kill can do, what a wait costs."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ops.exceptions import SpecProblem
from airflow_provider_ops.spec.advice import advice_on, proves_ours
from airflow_provider_ops.spec.description import Description
from airflow_provider_ops.spec.model import ApiSpec
from airflow_provider_ops.spec.requests import parse_line
from airflow_provider_ops.spec.sections import CallSpec, FindSpec
from airflow_provider_ops.spec.source import Source


@dataclass(frozen=True, slots=True)
class Promise:
    """What holds for one call.

    :param exactly_once: how, or why not.
    :param kill: what a kill can do.
    :param wait: what a wait costs.
    """

    call: str
    kind: str
    exactly_once: str
    kill: str
    wait: str


@dataclass(frozen=True, slots=True)
class Review:
    """What ``spec check`` says.

    :param advice: what is probably not meant, each with its line.
    """

    spec: ApiSpec
    promises: tuple[Promise, ...]
    advice: tuple[SpecProblem, ...]


def review(source: Source) -> Review:
    """Return what a spec promises and what it cannot.

    :raises InvalidSpec: it cannot work; names every mistake with its line.
    """
    spec = ApiSpec.from_source(source)
    placed = tuple(one._replace(line=source.line_of(one.place)) for one in advice_on(spec, source))
    return Review(spec, promises_of(spec), placed)


def promises_of(spec: Description) -> tuple[Promise, ...]:
    """Return a row for each call, and one for all calls that are not listed."""
    wait = _wait(spec)
    rows = [Promise(call.request, call.kind, exactly_once(spec, call), kill(spec, call), wait) for call in spec.calls]
    others = "repeated: its method is idempotent, " + ", ".join(spec.submit.idempotent)
    unlisted = f"{others}; otherwise {_AMBIGUOUS}" if spec.submit.idempotent else _AMBIGUOUS
    return (*rows, Promise("any other call", "", unlisted, _cancel(spec.cancel is not None), wait))


_AMBIGUOUS = "cannot be reconciled: a lost answer ends in AmbiguousSubmission, never in a second request"


def is_idempotent(spec: Description, call: CallSpec) -> bool:
    """Return whether a call may be sent again because of its method."""
    methods = spec.of_submit(call, "idempotent")
    return "*" in methods or parse_line(call.request).method in {one.upper() for one in methods}


def exactly_once(spec: Description, call: CallSpec) -> str:
    """Return how a lost answer to a call is reconciled, or that it cannot be."""
    mark, find = spec.inherited(call, "mark"), spec.inherited(call, "find")
    lookup = spec.inherited(call, "lookup")
    if mark is not None and mark.idempotent:
        return f"repeated with the same key in {mark.in_} {mark.name}" + _unless_kept(mark.keep)
    if is_idempotent(spec, call):
        return f"repeated: {parse_line(call.request).method} is idempotent"
    if find is not None and proves_ours(spec, call, find) and (find.operation_id or (find.resource_id and lookup)):
        said = "searched for by our key, sent again only if nothing is found"
        return said + _first_page(spec, find) + _unless_kept(mark is not None and mark.keep)
    if call.exclusive and lookup is not None and not call.creates:
        return "what is new among the operations of its resource is ours, sent again only if nothing is"
    if find is not None:
        return f"sent again only if the search shows that nothing was started; otherwise it {_AMBIGUOUS}"
    return _AMBIGUOUS


def _first_page(spec: Description, find: FindSpec) -> str:
    is_one_page = bool(find.entries) and spec.paging_of(find) is None and not find.has("paging")
    return " on the first page, the only one that is read without 'paging'" if is_one_page else ""


def _unless_kept(keep: bool) -> str:
    return "; not where the user gives a value of his own" if keep else ""


def kill(spec: Description, call: CallSpec) -> str:
    """Return what a kill can do about a call's operation."""
    said = _cancel(spec.inherited(call, "cancel") is not None)
    can_delete = call.creates and spec.inherited(call, "delete") is not None
    return f"{said}; can delete the {call.creates}" if can_delete else said


def _cancel(can_cancel: bool) -> str:
    return "cancels" if can_cancel else "cannot cancel: the operation continues, and the message says so"


def _wait(spec: Description) -> str:
    """Return what a poll costs."""
    said = ["1 request per wait and poll"]
    lists = spec.lists
    if lists is not None and lists.open:
        paging = spec.paging
        size = (paging.page_size or paging.limit) if paging else None
        each = f"in pages of {size}" if size else "page by page" if paging else "the first page only"
        several = f"{len(lists.open)} lists" if len(lists.open) > 1 else "one list"
        said.append(f"many waits share {several} of open operations, read {each}")
    if lists is not None and lists.by_ids is not None:
        said.append(f"many waits share requests for {lists.by_ids.max} ids each")
    if spec.wait is not None:
        said.append(f"long poll of up to {spec.wait.max:g} s")
    return "; ".join(said)
