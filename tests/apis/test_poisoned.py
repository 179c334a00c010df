"""What an API says goes through its models, our events, Airflow's own encoders, and back, whatever it is."""

from __future__ import annotations

import base64
import json
import pickle
import re
from typing import Any
from urllib.parse import quote

import pytest
from airflow.jobs.triggerer_job_runner import messages
from airflow.sdk.execution_time.comms import _RequestFrame, _ResponseFrame
from airflow.triggers.base import TriggerEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.msgpack import Decoder

from airflow_provider_ops.apis.akua import API as AKUA
from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.apis.lakesail import API as LAKESAIL
from airflow_provider_ops.apis.nirvana import API as NIRVANA
from airflow_provider_ops.apis.onvera import API as ONVERA
from airflow_provider_ops.core.event_codec import from_event, to_event
from airflow_provider_ops.core.history import WaitHistory, read_record
from airflow_provider_ops.core.poll_interval import PollPolicy
from airflow_provider_ops.core.wait_state import Settled, TimedOut, WaitState
from airflow_provider_ops.exceptions import InvalidArgument, OpsError, TransportError
from airflow_provider_ops.http.responses import api_error, parse_response
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.lifecycle.results import checked
from tests.apis.test_akua import SAMPLE
from tests.apis.test_lakesail_operations import OPERATION as LAKESAIL_OPERATION
from tests.apis.test_nirvana import OPERATION as NIRVANA_OPERATION
from tests.apis.test_onvera import OPERATION as ONVERA_OPERATION
from tests.old_airflow import deserialize, entry_of, event_in, serialize

SECRET = "sk-live/0123456789+abc"
FORMS = [SECRET, quote(SECRET, safe=""), *(base64.b64encode(b"x" * n + SECRET.encode()).decode() for n in range(3))]
CASES: dict[str, tuple[Api, Any]] = {
    "onvera": (ONVERA, {"data": ONVERA_OPERATION}),
    "nirvana": (NIRVANA, NIRVANA_OPERATION),
    "lakesail": (LAKESAIL, LAKESAIL_OPERATION),
    "akua": (AKUA, SAMPLE),
}
#: What stands in the JSON, as it is sent.
ODD = st.sampled_from(
    [
        *(json.dumps(f"before {form} after") for form in FORMS),
        *(
            '"\\u0000"',
            '"a\\ud800b"',
            '"\\u001b[31m"',
            '"a\\n::group::b"',
            '"\x7f"',
            '"\x00"',
            '"' + "x" * 300_000 + '"',
        ),
        *("NaN", "-Infinity", "1e999", "1" + "0" * 400, "18446744073709551616", "-1", "1e308", "[]", "{}", "null"),
        *('"1e999"', '"nan"', '"' + "9" * 400 + '"', "[" * 190 + "]" * 190, "[" * 900 + "]" * 900),
        *('{"a\\u0000": {"b": NaN}}', json.dumps([{"name": "s", "message": "y" * 3000}] * 500)),
    ]
)


@st.composite
def poisoned(draw: st.DrawFn, sample: Any) -> str:
    """A sample as JSON text with odd values in some of its places."""
    if isinstance(sample, dict):
        entries = [f"{json.dumps(name)}:{draw(poisoned(value))}" for name, value in sample.items()]
        return "{" + ",".join(entries) + "}"
    if isinstance(sample, list):
        return "[" + ",".join(draw(poisoned(value)) for value in sample) + "]"
    return draw(st.one_of(st.just(json.dumps(sample)), st.just(json.dumps(sample)), ODD))


def through_frames(payload: Any) -> Any:
    """Send an event from a triggerer to its supervisor, and on to a worker, as Airflow does."""
    entry = entry_of(TriggerEvent(payload))  # type: ignore[no-untyped-call]
    frame = _RequestFrame(id=1, body=messages.TriggerStateChanges(events=[entry]).model_dump())
    body = Decoder(_RequestFrame).decode(frame.as_bytes()[4:]).body
    events = messages.TriggerStateChanges.model_validate(body).events
    assert events is not None
    stored = deserialize(serialize({"event": event_in(events[0]).payload}))
    # a column of JSON, and the frame in which the worker gets it
    text = json.dumps(stored, allow_nan=False)
    # a database refuses the character, and not the text of its escape that an API may quote
    assert re.search(r"(?<!\\)(?:\\\\)*\\u0000", text) is None
    text.encode()
    answer = _ResponseFrame(id=1, body=json.loads(text))
    received = Decoder(_ResponseFrame).decode(answer.as_bytes()[4:]).body
    assert received is not None
    return received["event"]


def shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def no_secret(*texts: str) -> None:
    for text in texts:
        assert SECRET not in text
        assert quote(SECRET, safe="") not in text
        assert base64.b64encode(b"x" + SECRET.encode()).decode()[4:-6] not in text


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=40)
@given(data=st.data())
def test_an_answer_reaches_the_worker(name: str, data: st.DataObject) -> None:
    api, sample = CASES[name]
    text = data.draw(poisoned(sample))
    ours = Settings("conn", api.base_url, SECRET)
    response = Response(200, {}, text.encode(), ours.redact)
    watch = WaitState("op_1", now=0.0, policy=PollPolicy(), deadline=100.0)
    lines: list[str] = []
    try:
        operation = parse_response(api, api.get_operation("op_1"), response, 0.0)
    except TransportError as error:
        lines = watch.on_error(error, 1.0)
        watch.outcome = TimedOut(None, error)
        no_secret(str(error), repr(error))
    else:
        lines = watch.on_result(operation, 1.0)
        watch.outcome = watch.outcome or Settled(operation)
    story = WaitHistory("api", "conn", 1, "worker")
    story.record([watch], 1.0)
    payload = {**to_event([watch]), "story": story.to_event()}

    event = through_frames(payload)
    assert event == payload
    ((outcome, _),) = from_event(event).values()
    assert type(outcome) in (Settled, TimedOut, type(None))
    record = story.to_record(1.0)
    assert read_record(json.dumps(record, allow_nan=False)) is not None
    assert len(shown(event)) < 400_000
    assert [line[:80] for line in lines if not line.isprintable() or len(line.encode()) > 8192] == []
    assert not any("::group::" in line for line in lines)
    no_secret(shown(event), shown(record), *lines)
    if isinstance(watch.outcome, Settled):
        returned(watch.outcome.operation.to_dict())


def returned(result: dict[str, Any]) -> None:
    """A return value is an XCom, or it is refused with a reason."""
    try:
        value = checked(result, succeeded="it")
    except InvalidArgument as error:
        no_secret(str(error))
        return
    assert json.loads(json.dumps(serialize(value), allow_nan=False)) == value
    no_secret(shown(value))


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=40)
@given(data=st.data(), status=st.sampled_from([400, 401, 404, 409, 429, 500, 503]))
def test_an_error_answer_says_nothing_that_it_must_not(name: str, data: st.DataObject, status: int) -> None:
    api = CASES[name][0]
    error_body = {
        "error": {"code": "X", "message": "m"},
        "code": 1,
        "message": "m",
        "status": "X",
        "title": "t",
        "detail": "d",
    }
    page = st.just("<html><body>key: " + SECRET + "\x1b[31m\r\n::group::</body></html>")
    text = data.draw(st.one_of(poisoned(error_body), page, ODD))
    said = data.draw(st.sampled_from([SECRET, f"a{FORMS[2]}b", "req-1", "x" * 9000]))
    late = data.draw(
        st.sampled_from(["1e400", "nan", "-1", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "9" * 5000, "x"])
    )
    ours = Settings("conn", api.base_url, SECRET)
    response = Response(status, {"x-request-id": said, "retry-after": late}, text.encode(), ours.redact)
    error = api_error(api, api.check().request, response, 0.0)
    assert isinstance(error, OpsError)
    assert str(error).isprintable()
    assert "::group::" not in str(error)
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert str(back) == str(error)
    watch = WaitState("op_1", now=0.0, policy=PollPolicy(), deadline=100.0)
    lines = watch.on_error(error, 1.0)
    watch.outcome = TimedOut(None, error)
    event = through_frames(to_event([watch]))
    no_secret(str(error), repr(error), shown(vars(error)), shown(event), *lines)
