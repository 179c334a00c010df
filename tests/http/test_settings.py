from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certifi
import pytest

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.onvera import API as ONVERA
from airflow_provider_ops.exceptions import InvalidConnection
from airflow_provider_ops.http.settings import DEFAULT_TIMEOUT, Settings, read_settings, unknown_extras


class Bare(type(ONVERA)):  # type: ignore[misc]
    """An API whose base URL has no path, as Nirvana's."""

    name = "bare"
    base_url = "https://api.bare.example"
    extras = ("project_id",)


BARE = Bare()


@dataclass
class Conn:
    conn_type: str | None = "onvera"
    login: str | None = None
    host: str | None = None
    port: int | None = None
    schema: str | None = None
    password: str | None = "sk-canary-0123456789"


def settings(api: Api = ONVERA, extra: dict[str, Any] | None = None, **conn: Any) -> Settings:
    return read_settings(api, "my_conn", Conn(**{"conn_type": api.name, **conn}), extra or {})


def refused(api: Api = ONVERA, extra: dict[str, Any] | None = None, **conn: Any) -> str:
    with pytest.raises(InvalidConnection) as caught:
        settings(api, extra, **conn)
    text = str(caught.value)
    assert "'my_conn'" in text, "the sentence must name the connection"
    assert "sk-canary" not in text
    return text


def test_an_empty_connection_leads_to_the_documented_api() -> None:
    found = settings()
    assert found.base_url == "https://api.onvera.io/api/v1"
    assert (found.verify, found.timeout, found.requests_per_second, found.proxy) == (True, DEFAULT_TIMEOUT, None, None)
    assert found.origin == "https://api.onvera.io"


@pytest.mark.parametrize("absent", [None, ""])
def test_fields_that_the_form_saved_empty_count_as_absent(absent: Any) -> None:
    names = ("verify", "timeout", "requests_per_second", "proxy", "allow_http", "project_id")
    assert settings(extra=dict.fromkeys(names, absent)) == settings()


def test_all_fields_are_understood() -> None:
    extra = {"verify": "false", "timeout": "5", "requests_per_second": 2, "proxy": "http://p:1", "project_id": 7}
    found = settings(BARE, extra, host="https://api.bare.example/")
    assert found.base_url == "https://api.bare.example"
    assert (found.verify, found.timeout, found.requests_per_second) == (False, 5.0, 2.0)
    assert found.proxy == "http://p:1"
    assert found.extras == {"project_id": "7"}


# -- host


@pytest.mark.parametrize(
    "host",
    [
        "http://127.0.0.1:8099/onvera/api/v1",
        "http://localhost/api/v1",
        "http://[::1]:1/api/v1",
        "http://127.9.9.9/api/v1",
    ],
)
def test_http_to_this_machine_is_allowed(host: str) -> None:
    assert settings(host=host).base_url == host


@pytest.mark.parametrize(
    "host", ["http://api.onvera.io/api/v1", "http://10.0.0.1/api/v1", "http://localhost.evil.io/api/v1"]
)
def test_http_to_another_machine_is_refused_unless_it_is_meant(host: str) -> None:
    text = refused(host=host)
    assert "unencrypted" in text
    assert "allow_http" in text
    assert settings(host=host, extra={"allow_http": True}).base_url == host


@pytest.mark.parametrize(
    "host",
    [
        "https://api.onvera.io",
        "https://api.onvera.io/api",
        "https://api.onvera.io/api/v2",
        "https://api.onvera.io/xapi/v1",
        "https://api.onvera.io/api/v1/deployments",
        "https://api.onvera.io/api/v1/api/v1",
        "https://api.onvera.io/v1/api/v1",
    ],
)
def test_a_path_too_many_or_too_few_is_refused_with_the_right_one(host: str) -> None:
    assert "https://api.onvera.io/api/v1" in refused(host=host)


@pytest.mark.parametrize(
    ("host", "missing"),
    [
        ("https://api.onvera.io", "/api/v1"),
        ("https://api.onvera.io/api", "/v1"),
        ("https://gateway.corp/onvera/api", "/v1"),
        ("https://api.onvera.io/v2", None),
        ("https://api.onvera.io/v1", None),
        ("https://api.onvera.io/api/v1/x", None),
    ],
)
def test_a_path_that_ends_too_early_is_refused_with_what_to_add(host: str, missing: str | None) -> None:
    text = refused(host=host)
    assert (f"add {missing!r}" in text) == (missing is not None)


def test_a_prefix_of_a_gateway_is_allowed() -> None:
    assert settings(host="https://gateway.corp/onvera/api/v1").origin == "https://gateway.corp"


@pytest.mark.parametrize("host", ["https://api.bare.example/v1", "https://api.bare.example/gw/v1"])
def test_a_version_in_the_path_is_refused_where_the_api_has_none_there(host: str) -> None:
    assert "have no path" in refused(BARE, host=host)


@pytest.mark.parametrize(
    "host",
    [
        "api.onvera.io",
        "api.onvera.io/api/v1",
        "ftp://api.onvera.io/api/v1",
        "https:///api/v1",
        "https://",
        "//api.onvera.io/api/v1",
        "https://api onvera.io/api/v1",
        "https://api.onvera.io:port/api/v1",
        "https://api.onvera.io:99999/api/v1",
        "https://api.onvera.io\n/api/v1",
        "https://[::1/api/v1",
        "https://-bad-.ü/api/v1",
        "https://api.onvera.io/api/v1?x=1",
        "https://api.onvera.io/api/v1#top",
        "https://user:secret@api.onvera.io/api/v1",
        "https://key@api.onvera.io/api/v1",
    ],
)
def test_a_host_that_is_no_base_url_is_refused_with_the_right_form(host: str) -> None:
    text = refused(host=host)
    assert "https://" in text
    assert "secret" not in text


def test_a_connection_given_as_uri_is_put_together_again() -> None:
    """Airflow takes ``onvera://:key@https%3A%2F%2Fhost:8443/api%2Fv1`` apart."""
    found = settings(host="https://api.onvera.io", port=8443, schema="api/v1")
    assert found.base_url == "https://api.onvera.io:8443/api/v1"
    assert settings(host="https://api.onvera.io/", schema="/api/v1/").base_url == "https://api.onvera.io/api/v1"


def test_a_port_alone_does_not_replace_the_default_host() -> None:
    assert settings(port=8443, schema="x").base_url == "https://api.onvera.io/api/v1"


# -- the rest


def test_a_connection_of_another_type_is_refused_with_both_types() -> None:
    text = refused(conn_type="http")
    assert "'http'" in text
    assert "'onvera'" in text


@pytest.mark.parametrize("key", [None, "", "  \n"])
def test_a_missing_key_is_refused(key: str | None) -> None:
    assert "no API key" in refused(password=key)


@pytest.mark.parametrize("key", ["sk-canary\nX: y", "sk-canary\x00", "sk-canary-é", "sk-canary\t1"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key: str) -> None:
    assert "paste it again" in refused(password=key)


def test_blanks_around_a_pasted_key_do_not_matter() -> None:
    assert settings(password=" sk-canary \n").key == "sk-canary"


@pytest.mark.parametrize("name", ["timeout", "requests_per_second"])
@pytest.mark.parametrize("value", ["fast", 0, -1, "nan", "inf", float("inf"), [1], {}, True, 10**9])
def test_a_bad_number_is_refused_with_the_range(name: str, value: Any) -> None:
    text = refused(extra={name: value})
    assert name in text
    assert "number from" in text


@pytest.mark.parametrize("value", ["maybe", 1, [], "/no/such/file.pem"])
def test_verify_must_be_true_false_or_a_file(value: Any) -> None:
    assert "verify" in refused(extra={"verify": value})


def test_verify_takes_a_file_and_refuses_one_that_is_no_certificate(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    assert "no CA file" in refused(extra={"verify": str(file)})
    file.write_bytes(Path(certifi.where()).read_bytes())
    assert settings(extra={"verify": str(file)}).verify == str(file)


@pytest.mark.parametrize("value", ["maybe", 3])
def test_allow_http_must_be_true_or_false(value: Any) -> None:
    assert "allow_http" in refused(extra={"allow_http": value})


@pytest.mark.parametrize("value", ["proxy.corp:3128", "ftp://user:sk-canary@p", 7])
def test_a_proxy_that_is_no_url_is_refused_without_showing_it(value: Any) -> None:
    assert "proxy" in refused(extra={"proxy": value})


def test_neither_key_nor_proxy_show_in_the_repr() -> None:
    found = settings(extra={"proxy": "http://me:sk-canary-proxy@p:1"})
    assert "sk-canary" not in repr(found) + str(found)


# -- several things at once


def test_all_problems_of_a_connection_are_named_at_once() -> None:
    text = refused(
        password="", host="api.onvera.io", extra={"timeout": "fast", "verify": 1, "proxy": "p:1", "verfy": 1}
    )
    for part in ("API key", "must begin with https://", "timeout", "verify ", "proxy", "'verfy'", "'verify'"):
        assert part in text
    assert "(5)" in text


def test_an_unknown_extra_is_a_remark_beside_a_fault() -> None:
    several: list[dict[str, Any]] = [{"password": ""}, {"password": "", "host": "api.onvera.io"}]
    for faults in several:
        text = refused(**faults, extra={"verfy": 1})
        fault, _, remark = text.partition("; besides, ")
        assert remark.startswith("extra 'verfy' is unknown and ignored")
        assert "verfy" not in fault
        assert ("several things are wrong" in fault) == (len(faults) > 1)


@pytest.mark.parametrize(
    ("extra", "meant"),
    [
        ("verfy", "verify"),
        ("request_per_second", "requests_per_second"),
        ("Proxy", "proxy"),
        ("projectid", "project_id"),
    ],
)
def test_an_unknown_extra_is_named_with_the_known_one_that_it_resembles(extra: str, meant: str) -> None:
    (sentence,) = unknown_extras(BARE, {extra: 1, "verify": True, "project_id": "x"})
    assert f"{extra!r}" in sentence
    assert f"did you mean {meant!r}" in sentence
    assert settings(BARE, {extra: 1}) == settings(BARE)


def test_an_extra_that_resembles_none_is_named_with_all() -> None:
    (sentence,) = unknown_extras(ONVERA, {"zzz": 1})
    assert "requests_per_second" in sentence


@pytest.mark.parametrize("value", ["a\nb", "\x00", "é", " "])
def test_an_extra_that_cannot_be_sent_is_refused(value: str) -> None:
    assert "project_id" in refused(BARE, {"project_id": value})


# -- schema by Airflow's convention


@pytest.mark.parametrize(
    ("conn", "url"),
    [
        ({"host": "api.onvera.io", "schema": "https"}, "https://api.onvera.io/api/v1"),
        ({"host": "api.onvera.io", "schema": "HTTPS", "port": 8443}, "https://api.onvera.io:8443/api/v1"),
        ({"host": "127.0.0.1", "schema": "http", "port": 8099}, "http://127.0.0.1:8099/api/v1"),
        ({"host": "gw.corp/onvera/api/v1", "schema": "https"}, "https://gw.corp/onvera/api/v1"),
        ({"host": "https://api.onvera.io/api/v1", "schema": "https"}, "https://api.onvera.io/api/v1"),
    ],
)
def test_schema_may_be_the_scheme(conn: dict[str, Any], url: str) -> None:
    assert settings(**conn).base_url == url


def test_two_schemes_are_refused() -> None:
    assert "name one scheme" in refused(host="https://api.onvera.io/api/v1", schema="http")


@pytest.mark.parametrize("host", ["https://h/%2e%2e/api/v1", "https://h/../api/v1", "https://h/%2E./api/v1"])
def test_a_base_url_that_climbs_is_refused(host: str) -> None:
    refused(host=host)
