"""The *Test* button: who answered, or which of the known troubles it was; in under 5 s, never with the key."""

from __future__ import annotations

import json
import socket
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.hooks.onvera import OnveraHook
from airflow_provider_ops.testing import SimulatorServer, fail_first, html, trickle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CANARY = "sk-leak-canary"


@pytest.fixture
def check(operations_simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[bool, str]]:
    def run(**fields: Any) -> tuple[bool, str]:
        fields = {"conn_type": "onvera", "host": operations_simulator.base_url("onvera"), "password": CANARY, **fields}
        monkeypatch.setenv("AIRFLOW_CONN_TESTED", json.dumps(fields))
        good, text = OnveraHook("tested").test_connection()
        assert CANARY not in text
        return good, text

    return run


def test_success_names_the_environment_that_the_key_belongs_to(check: Any) -> None:
    good, text = check()
    assert good
    assert "environment" in text
    assert "env_default" in text


def test_the_test_makes_one_request(check: Any, operations_simulator: SimulatorServer) -> None:
    check()
    assert operations_simulator.stats()["requests"] == 1


@pytest.mark.parametrize(
    ("key", "trouble"),
    [
        (f"invalid-{CANARY}", "key invalid"),
        (f"expired-{CANARY}", "key expired"),
        (f"revoked-{CANARY}", "key revoked"),
        (f"{CANARY}-noscope-org:read", "scope missing"),
    ],
)
def test_what_is_wrong_with_a_key_is_named(check: Any, key: str, trouble: str) -> None:
    good, text = check(password=key)
    assert not good
    assert text.startswith(trouble), text


def test_a_missing_key_is_named_without_a_request(check: Any, operations_simulator: SimulatorServer) -> None:
    good, text = check(password="")
    assert not good
    assert "has no API key" in text
    assert operations_simulator.stats()["requests"] == 0


def test_a_host_that_does_not_exist_is_named(check: Any) -> None:
    good, text = check(host="https://no-such-host.invalid/api/v1")
    assert not good
    assert text.startswith("no such host")


def test_a_host_where_nobody_listens_is_named(check: Any) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        good, text = check(host=f"http://127.0.0.1:{free.getsockname()[1]}/api/v1")
    assert not good
    assert text.startswith("no connection")


def test_a_base_url_that_cannot_be_is_named(check: Any) -> None:
    good, text = check(host="https://api.onvera.io/api/v1/deployments")
    assert not good
    assert "https://api.onvera.io/api/v1" in text


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))
    return folder


@pytest.fixture(scope="module")
def tls_server(certificate: Path) -> Iterator[SimulatorServer]:
    with SimulatorServer(certfile=str(certificate / "cert.pem"), keyfile=str(certificate / "key.pem")) as server:
        yield server


def test_a_certificate_that_nobody_trusts_is_named(check: Any, tls_server: SimulatorServer) -> None:
    good, text = check(host=tls_server.base_url("onvera"))
    assert not good
    assert text.startswith("TLS failed")
    assert tls_server.stats()["requests"] == 0


def test_a_certificate_authority_of_ones_own_can_be_trusted(
    check: Any, tls_server: SimulatorServer, certificate: Path
) -> None:
    assert check(host=tls_server.base_url("onvera"), extra={"verify": str(certificate / "cert.pem")})[0]
    assert check(host=tls_server.base_url("onvera"), extra={"verify": False})[0]


@pytest.mark.parametrize("fault", [fail_first(9, status=503), html(9), fail_first(9, status=404)], ids=repr)
def test_an_api_in_trouble_is_told_at_once(check: Any, operations_simulator: SimulatorServer, fault: Any) -> None:
    operations_simulator.faults(fault)
    assert not check()[0]
    assert operations_simulator.stats()["requests"] == 1


def test_an_answer_that_does_not_come_to_an_end_is_given_up_in_time(
    check: Any, operations_simulator: SimulatorServer
) -> None:
    operations_simulator.faults(trickle(600))
    began = time.monotonic()
    good, text = check()
    assert time.monotonic() - began < 300
    assert not good
    assert text.startswith("no answer in time")


def test_a_shorter_timeout_of_the_connection_holds_for_the_test_as_well(
    check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ops.hooks.base._TEST_TIMEOUT", 600.0)
    server = socket.create_server(("127.0.0.1", 0))
    try:
        began = time.monotonic()
        good, text = check(host=f"http://127.0.0.1:{server.getsockname()[1]}/api/v1", extra={"timeout": 0.2})
        assert time.monotonic() - began < 300
    finally:
        server.close()
    assert not good
    assert text.startswith("no answer in time")


def test_a_missing_connection_is_told() -> None:
    good, text = OnveraHook("nobody").test_connection()
    assert not good
    assert "connection 'nobody': it does not exist" in text


def test_reprs_of_a_hook_do_not_show_the_key(check: Any) -> None:
    check()
    hook = OnveraHook("tested")
    try:
        hook.list_deployments()
        hook.get_conn()
        assert CANARY not in repr(hook) + repr(vars(hook)) + repr(hook.settings()) + repr(hook.get_conn().settings)
    finally:
        hook.close()


@pytest.mark.parametrize("api", ["onvera", "nirvana", "lakesail", "akua"])
def test_all_that_is_wrong_is_told_in_one_answer(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {
        "conn_type": api,
        "host": "ftp://api.example.com",
        "password": "",
        "extra": {"timeout": "soon", "requests_per_second": 0, "verify": 5, "proxy": "p", "allow_http": "so", "no": 1},
    }
    monkeypatch.setenv("AIRFLOW_CONN_WRONG", json.dumps(fields))
    hook = hook_for("wrong")
    assert hook.api.name == api
    works, said = hook.test_connection()
    assert not works
    for part in ("host", "API key", "timeout", "requests_per_second", "verify", "proxy", "allow_http", "'no'"):
        assert part in said
    assert said.count("wrong'") == 1


@pytest.mark.parametrize(("api", "extra"), [("nirvana", "project_id"), ("akua", "workspace_id")])
def test_extras_of_one_api_are_among_it(api: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"conn_type": api, "password": "", "extra": {extra: "Z\u00fcrich", "timeout": -1}}
    monkeypatch.setenv("AIRFLOW_CONN_WRONG", json.dumps(fields))
    _, said = hook_for("wrong").test_connection()
    assert all(part in said for part in (extra, "API key", "timeout"))
