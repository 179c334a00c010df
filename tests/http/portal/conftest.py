from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.http.blocking_client import BlockingClient
from airflow_provider_ops.http.settings import Settings
from tests.http.portal.serving import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.stop()


@pytest.fixture
def client(server: Server) -> Iterator[BlockingClient]:
    with BlockingClient(API, Settings("c", server.url, "a-key")) as made:
        yield made
