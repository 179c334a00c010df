"""The command `python -m airflow_provider_ops.simulator`, as a process."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READY = re.compile(r"simulator ready at (https?://\S+) serving /onvera/api/v1.*")
COMMAND = (sys.executable, "-m", "airflow_provider_ops.simulator")


@contextmanager
def running(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        match = READY.fullmatch(line.strip().partition(" (")[0])
        assert match, line
        yield match[1], process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_on_a_free_port_and_ends_quietly(number: signal.Signals) -> None:
    with running("--port", "0", "--duration", "0") as (url, process):
        client = httpx.Client(base_url=f"{url}/onvera/api/v1", headers={"X-API-Key": "k"}, trust_env=False)
        made = client.post("/deployments", json={"app_type": "airflow"}).json()["data"]
        operation = client.get(f"/operations/{made['operation_id']}").json()["data"]
        assert operation["status"] == "succeeded"
        process.send_signal(number)
        assert process.communicate(timeout=5) == ("", "")
        assert process.returncode == 0
        client.close()


def test_it_prints_the_connections_that_lead_to_it() -> None:
    with running("--port", "0", "--print-connections") as (url, process):
        assert process.stdout is not None
        line = process.stdout.readline()
    match = re.fullmatch(r"export AIRFLOW_CONN_ONVERA_DEFAULT='(.*)'\n", line)
    assert match, line
    assert json.loads(match[1])["host"] == f"{url}/onvera/api/v1"


def test_it_ends_at_once_though_requests_hang(tmp_path: Path) -> None:
    plan = tmp_path / "faults.json"
    plan.write_text(json.dumps({"rules": [{"fault": "hang", "seconds": 600}]}))
    with running("--port", "0", "--faults", str(plan)) as (url, process):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as sock:
            sock.sendall(b"GET /onvera/api/v1/operations HTTP/1.1\r\nHost: x\r\n\r\n")
            assert httpx.get(f"{url}/_control/stats", trust_env=False).json()["requests"] == 1
            process.send_signal(signal.SIGTERM)
            assert process.communicate(timeout=5) == ("", "")
        assert process.returncode == 0


def test_it_serves_tls(tmp_path: Path) -> None:
    certfile, keyfile = write_certificate(tmp_path)
    with running("--port", "0", "--certfile", str(certfile), "--keyfile", str(keyfile)) as (url, _process):
        assert url.startswith("https://")
        context = ssl.create_default_context(cafile=str(certfile))
        with httpx.Client(verify=context, trust_env=False) as client:
            assert client.get(f"{url}/_control/stats").status_code == 200
            answer = client.post(f"{url}/_control/faults", json=[{"fault": "reset"}])
            assert answer.status_code == 200
            with pytest.raises(httpx.TransportError):
                client.get(f"{url}/onvera/api/v1/operations")


def refused(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout == ""
    assert done.stderr.startswith("simulator: ")
    assert done.stderr.count("\n") == 1
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--duration", "-1"), "--duration: must be a number that is not negative, not '-1'"),
        (("--duration", "nan"), "--duration: must be a number"),
        (("--latency", "fast"), "--latency: must be a number"),
        (("--rate-limit", "0"), "--rate-limit: must be more than 0"),
        (("--port", "70000"), "--port: must be a port from 0 to 65535, not '70000'"),
        (("--port", "-1"), "--port: must be a port"),
        (("--seed", "x"), "--seed: invalid int value"),
        (("--speed", "1"), "unrecognized arguments: --speed"),
        (("--certfile", "a.pem"), "--certfile and --keyfile go together"),
        (("--faults", "/no/such/file"), "cannot read the fault plan /no/such/file: No such file"),
    ],
)
def test_bad_arguments_are_one_line(arguments: tuple[str, ...], message: str) -> None:
    code, text = refused(*arguments)
    assert code == 2
    assert message in text


def test_a_bad_plan_is_one_line_that_names_file_and_key(tmp_path: Path) -> None:
    plan = tmp_path / "faults.json"
    plan.write_text('[{"fault": "reset", "cuont": 1}]')
    code, text = refused("--port", "0", "--faults", str(plan))
    assert code == 2
    assert f"{plan}: rules[0]: unknown key 'cuont'; allowed: api" in text


def test_a_busy_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, text = refused("--port", str(port))
    assert code == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in text


def test_a_bad_certificate_is_one_line(tmp_path: Path) -> None:
    certfile, keyfile = write_certificate(tmp_path)
    certfile.write_text("not a certificate")
    code, text = refused("--port", "0", "--certfile", str(certfile), "--keyfile", str(keyfile))
    assert code == 1
    assert f"cannot use {certfile} and {keyfile}" in text


def write_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    certfile, keyfile = folder / "cert.pem", folder / "key.pem"
    certfile.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    keyfile.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certfile, keyfile
