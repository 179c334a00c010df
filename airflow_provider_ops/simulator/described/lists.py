"""Pages of a list, as the spec says that they follow each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow_provider_ops.simulator.api import Reply
from airflow_provider_ops.simulator.described.bodies import Answer, placed
from airflow_provider_ops.simulator.validation import Problem
from airflow_provider_ops.spec.expressions import follow, parse_pointer
from airflow_provider_ops.spec.values import parse_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ops.simulator.api import Call
    from airflow_provider_ops.spec.auth import Paging

_SIZE = 50


def page_of(
    paging: Paging | None, call: Call, mount: str, places: Sequence[Sequence[str]], rows: Sequence[Any]
) -> Reply:
    """Return the page that a request asks for.

    :param places: where the entries are read; an empty one for an answer that is the list.
    """
    answer = Answer({})
    if paging is None:
        _put(answer, places, list(rows))
        return Reply(200, answer.body)
    size = _number(call, paging.page_size_param or paging.limit_param, paging.limit_body_path, _default(paging))
    start = _start(call, paging, size)
    _put(answer, places, list(rows[start : start + size]))
    if paging.total_path:
        pages = -(-len(rows) // size)
        answer.put((paging.total_path,), pages if paging.type == "page_number" else len(rows))
    if paging.type == "page_number":
        _put_numbers(answer, paging, start // size, size, len(rows))
    if start + size < len(rows):
        _put_next(answer, call, paging, mount, start, size)
    return Reply(200, answer.body, answer.headers)


def _put(answer: Answer, places: Sequence[Sequence[str]], rows: list[Any]) -> None:
    for entries in places:
        if entries:
            answer.put(entries, rows)
        else:
            answer.body = rows


def _default(paging: Paging) -> int:
    return paging.page_size or paging.limit or _SIZE


def _start(call: Call, paging: Paging, size: int) -> int:
    match paging.type:
        case "offset":
            return _number(call, paging.offset_param, paging.offset_body_path, 0)
        case "cursor":
            return _number(call, paging.cursor_param or "", paging.cursor_body_path, 0)
        case _:
            # the links of most APIs have a number as well
            page = _number(call, paging.page_param, paging.page_body_path, paging.base_page)
            return max(page - paging.base_page, 0) * size


def _number(call: Call, name: str, body_path: str | None, default: int) -> int:
    if body_path is not None and call.body is not None:
        found = follow(call.body.root, parse_pointer(body_path.partition("#")[2] or body_path))
        value = found[0] if found else None
    else:
        value = (call.query.model_extra or {}).get(name)
    if value is None:
        return default
    try:
        return max(int(value), 0)
    except (TypeError, ValueError):
        raise Problem(f"{name} must be a number", kind="invalid") from None


def _put_numbers(answer: Answer, paging: Paging, page: int, size: int, total: int) -> None:
    """Put which page this is where the number of pages stands, as APIs do that have an object for it."""
    where = parse_value(paging.total_path).expression if paging.total_path else None
    if where is None or where.place != "body" or len(where.pointer) == 1:
        return
    number, last = page + paging.base_page, -(-total // size)
    found = {
        paging.page_param: number,
        paging.page_size_param or "per_page": size,
        "previous_page": number - 1 if page else None,
        "next_page": number + 1 if page + 1 < last else None,
        "total_entries": total,
    }
    for name, value in found.items():
        answer.body = placed(answer.body, (*where.pointer[:-1], name), value)


def _put_next(answer: Answer, call: Call, paging: Paging, mount: str, start: int, size: int) -> None:
    query = {**(call.query.model_extra or {}), paging.page_param: start // size + 1 + paging.base_page}
    link = f"{mount}{call.route.template}?{urlencode(query, doseq=True)}"
    match paging.type:
        case "cursor" if paging.cursor_path:
            answer.put((paging.cursor_path,), str(start + size))
        case "json_link" if paging.next_url_path:
            answer.put((paging.next_url_path,), link)
        case "header_link":
            answer.headers["Link"] = f'<{link}>; rel="{paging.links_next_key}"'
