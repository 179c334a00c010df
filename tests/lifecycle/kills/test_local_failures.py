"""What fails on our side sends nothing, and stores nothing that a retry would have to look for."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ops.exceptions import ConfigurationError, InvalidArgument
from tests.lifecycle.kills.parts import Life


@pytest.mark.parametrize(
    ("api", "extra"),
    [("onvera", {"proxy": "socks9://nowhere"}), ("akua", {"proxy": "::"})],
)
def test_a_client_that_cannot_be_built(
    life: Life, monkeypatch: pytest.MonkeyPatch, api: str, extra: dict[str, Any]
) -> None:
    one = life.again(api)
    monkeypatch.setenv(f"AIRFLOW_CONN_{api.upper()}_DEFAULT", one.world.connection_json(api, **extra))
    with pytest.raises(ConfigurationError):
        one.attempt()
    assert one.store.data == {}
    assert one.world.requests(api) == []


@pytest.mark.parametrize("key", ["schlüssel\u2603", "two\nlines"])
def test_a_header_that_cannot_be_sent(life: Life, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ONVERA_DEFAULT", life.world.connection_json("onvera", password=key))
    with pytest.raises(ConfigurationError):
        life.attempt()
    assert life.store.data == {}
    assert life.created() == []


@pytest.mark.parametrize("value", [object(), b"bytes", float("nan")], ids=["object", "bytes", "nan"])
def test_a_value_that_is_no_json_is_named(life: Life, value: Any) -> None:
    one = life.again("lakesail")
    with pytest.raises(InvalidArgument, match="at"):
        one.attempt(body={"name": "etl", "config": {"at": value}})
    assert one.store.data == {}
    assert one.created() == []
