"""Every spec of the catalogue: whatever is answered, there is a value, or it is said that there is none."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ops.apis.calls import Call
from airflow_provider_ops.apis.submits import Intent
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.specs import load
from airflow_provider_ops.testing import SimulatorServer, VirtualClock
from tests.apis.answers import JUNK, answer, mutated, value_or_unreadable
from tests.catalogue.parts import NAMES, hook_of, request_of, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ops.apis.described import DescribedApi


@cache
def samples() -> dict[str, list[Any]]:
    """Return the bodies of the answers to a submit, reads, lists, searches and a cancel, by spec."""
    found: dict[str, list[Any]] = {name: [] for name in NAMES}
    clock = VirtualClock()
    with SimulatorServer(duration=60.0, clock=clock) as world:
        for name in NAMES:
            world.add(load(name))
        world.observe(lambda api, _request, reply: found[api].append(reply.data))
        for name in NAMES:
            hook = hook_of(load(name), world.base_url(name))
            hook.clock = clock
            operation_id = start(hook).handle.operation_id or ""
            for call in calls_of(hook.api, operation_id):
                # some are about nothing that is there
                with suppress(OpsError):
                    hook.call(call)
            with suppress(OpsError):
                hook.wait_for_operation(operation_id)
            hook.close()
    return {name: [body for body in bodies if isinstance(body, (dict, list))] for name, bodies in found.items()}


def calls_of(api: DescribedApi, operation_id: str) -> Iterator[Call[Any]]:
    """Yield every call about an operation whose answer is read."""
    yield api.request(*request_of(api.spec), json={})
    yield api.get_operation(operation_id)
    if api.can_cancel:
        yield api.cancel_operation(operation_id)
    if api.ids_per_request:
        yield api.get_operations([operation_id, "2"])
    for listed in (*api.open_operations(), *api.recent_operations()):
        yield Call(listed.entries.first.request, lambda given, one=listed: entries(one, given))  # type: ignore[misc]


def entries(listed: Any, given: Any) -> list[Operation]:
    """Return the operations on a page, as the poller reads them."""
    found = []
    for entry in listed.entries.first.parse(given).items:
        assert isinstance(listed.id_of(entry), str)
        value_or_unreadable(lambda entry=entry: found.append(listed.read(entry)))  # type: ignore[misc]
    return found


def searches(api: DescribedApi, given: Any) -> Iterator[Callable[[], Any]]:
    """Yield what runs each search of a spec, all of whose requests have the same answer."""
    submit = api.with_idempotency_key(api.request(*request_of(api.spec), json={}), "airflow-0123456789abcdef01234567")
    intent = Intent(submit, "airflow-0123456789abcdef01234567", lambda: 60.0, is_exact=True)
    for flow in (api.find_submitted(intent), api.list_owned()):
        if flow is not None:
            yield lambda flow=flow: drive(flow, given)  # type: ignore[misc]


def drive(flow: Any, given: Any) -> Any:
    wish = next(flow, None)
    for _ in range(20):
        if wish is None:
            return
        try:
            wish = flow.send(wish.parse(given) if isinstance(wish, Call) else None)
        except StopIteration:
            return
        except OpsError as error:
            # as the client hands an answer over that cannot be read
            wish = flow.throw(error)
    flow.close()


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=60)
def test_mutated_answers(name: str, data: st.DataObject) -> None:
    api = hook_of(load(name), "").api
    body = data.draw(mutated(data.draw(st.sampled_from(samples()[name]))) | JUNK)
    status = data.draw(st.sampled_from([200, 201, 202, 204]))
    given = answer(body, status)
    for call in calls_of(api, "/1" if api.spec.operation.get is None else "1"):
        value_or_unreadable(lambda call=call: call.parse(given))  # type: ignore[misc]
    for search in searches(api, given):
        with suppress(OpsError):
            search()
    assert isinstance(api.error(answer(body, 400)).message, str)


def test_there_are_samples_of_everything() -> None:
    assert {name for name, bodies in samples().items() if len(bodies) < 3} == set()
