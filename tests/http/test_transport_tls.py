"""Reads over TLS, against the simulator with a certificate of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.exceptions import TransportError
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.testing import SimulatorServer
from benchmarks import certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def certified(tmp_path: Path) -> tuple[str, str]:
    cert, key = certificate.make(tmp_path)
    return str(cert), str(key)


@pytest.fixture
def secure(certified: tuple[str, str]) -> Iterator[SimulatorServer]:
    cert, key = certified
    with SimulatorServer(certfile=cert, keyfile=key) as server:
        yield server


def client(secure: SimulatorServer, verify: str | bool) -> AsyncClient:
    return AsyncClient(API, Settings("onvera_default", f"{secure.url}/onvera/api/v1", "a-key", verify=verify))


async def test_reads_over_tls_keep_their_connection(secure: SimulatorServer, certified: tuple[str, str]) -> None:
    assert secure.url.startswith("https:")
    secure_client = client(secure, certified[0])
    for _ in range(3):
        page = await secure_client.send_once(API.list_deployments().first)
        assert list(page.items) == []
    await secure_client.aclose()
    assert secure.stats()["connections"] == 1


async def test_a_server_without_a_trusted_certificate_is_not_asked_anything(secure: SimulatorServer) -> None:
    careful = client(secure, verify=True)
    with pytest.raises(TransportError) as caught:
        await careful.send_once(API.list_deployments().first)
    await careful.aclose()
    assert (caught.value.reason, caught.value.maybe_executed) == ("tls", False)
    assert secure.stats()["requests"] == 0
