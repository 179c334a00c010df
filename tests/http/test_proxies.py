"""Ways to the API: proxies of the connection and the environment, and certificates."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import Self

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.exceptions import InvalidConnection, TransportError
from airflow_provider_ops.http import proxies
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.proxies import proxy_for
from airflow_provider_ops.http.settings import Settings, read_settings
from airflow_provider_ops.testing import SimulatorServer
from benchmarks import certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
PROXY = "http://proxy.example:3128"
DIRECT = API.list_deployments().first


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *map(str.upper, VARIABLES), "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


def route(host: str, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str | None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    found = proxy_for(host, None)
    return found.url if found else None


@pytest.mark.parametrize(
    ("env", "found"),
    [
        ({}, None),
        ({"https_proxy": PROXY}, PROXY),
        ({"HTTPS_PROXY": "proxy.example:3128"}, PROXY),
        ({"all_proxy": "socks5://p:1"}, "socks5://p:1"),
        ({"http_proxy": PROXY}, None),
        ({"https_proxy": PROXY, "all_proxy": "ftp://never-used"}, PROXY),
        ({"https_proxy": PROXY, "no_proxy": "onvera.io"}, None),
        ({"https_proxy": PROXY, "no_proxy": " .onvera.io "}, None),
        ({"https_proxy": PROXY, "no_proxy": "*.onvera.io,x"}, None),
        ({"https_proxy": PROXY, "no_proxy": "api.onvera.io:443"}, None),
        ({"https_proxy": PROXY, "no_proxy": "https://api.onvera.io"}, None),
        ({"https_proxy": PROXY, "no_proxy": "api.onvera.io:80"}, PROXY),
        ({"https_proxy": PROXY, "no_proxy": "nvera.io"}, PROXY),
        ({"https_proxy": PROXY, "no_proxy": "*"}, None),
        ({"https_proxy": PROXY, "no_proxy": "[::1], 10.0.0.0/8, fd00::/8, ::1, [::1]:80, [, ]:, :::, /, :80"}, PROXY),
        ({"all_proxy": "ftp://x", "no_proxy": "api.onvera.io"}, None),
    ],
)
def test_the_environment_is_read_as_others_read_it(
    env: dict[str, str], found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert route("https://api.onvera.io/api/v1", env, monkeypatch) == found


@pytest.mark.parametrize(
    ("host", "no_proxy", "is_direct"),
    [
        ("http://[::1]:8080/x", "[::1]", True),
        ("http://[::1]:8080/x", "::1", True),
        ("http://[::1]:8080/x", "[::1]:8080", True),
        ("http://[::1]:8080/x", "[::1]:80", False),
        ("http://[fd00::7]/x", "fd00::/8", True),
        ("http://[fd00::7]/x", "[fd00::]/8", True),
        ("http://10.1.2.3/x", "10.0.0.0/8", True),
        ("http://11.1.2.3/x", "10.0.0.0/8", False),
        ("http://127.0.0.1:99/x", "127.0.0.1", True),
    ],
)
def test_addresses_and_networks_are_exempt(
    host: str, no_proxy: str, is_direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = route(host, {"http_proxy": PROXY, "no_proxy": no_proxy}, monkeypatch)
    assert found == (None if is_direct else PROXY)


class Conn:
    conn_type: str | None = "onvera"
    host: str | None = None
    port: int | None = None
    schema: str | None = None
    login: str | None = None
    password: str | None = "a-key"


BROKEN = [
    ({"HTTPS_PROXY": "ftp://p:1"}, ("HTTPS_PROXY", "ftp://p:1")),
    ({"HTTPS_PROXY": "http://"}, ("HTTPS_PROXY", "http://")),
    ({"HTTPS_PROXY": "http://p:port"}, ("HTTPS_PROXY", "http://p:port")),
    ({"all_proxy": "http://[::1"}, ("all_proxy", "http://[::1")),
    ({"ALL_PROXY": "socks4://p:1"}, ("ALL_PROXY", "socks4://p:1")),
    ({"ALL_PROXY": "http://me:sekret@p:99999"}, ("ALL_PROXY", "http://***@p:99999")),
    ({"SSL_CERT_FILE": "/no/such/file.pem"}, ("SSL_CERT_FILE", "/no/such/file.pem")),
    ({"SSL_CERT_FILE": "/etc/hostname"}, ("SSL_CERT_FILE", "/etc/hostname")),
    ({"SSL_CERT_DIR": "/no/such/folder"}, ("SSL_CERT_DIR", "/no/such/folder")),
    ({"SSLKEYLOGFILE": "/no/such/folder/keys"}, ("SSLKEYLOGFILE", "/no/such/folder/keys")),
]


@pytest.mark.parametrize(("env", "named"), BROKEN, ids=lambda value: str(value)[:60])
def test_an_environment_that_cannot_work_is_an_invalid_connection_with_variable_and_value(
    env: dict[str, str], named: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    for use in (
        lambda: read_settings(API, "my_conn", Conn(), {}),
        lambda: AsyncClient(API, Settings("my_conn", API.base_url, "a-key")),
    ):
        with pytest.raises(InvalidConnection) as caught:
            use()
        assert all(text in str(caught.value) for text in ("'my_conn'", *named))
        assert "sekret" not in str(caught.value)


def test_connections_with_equal_tls_share_one_context(tmp_path: Path) -> None:
    one, other = (Settings(name, API.base_url, "k").tls() for name in "ab")
    assert one is other
    assert Settings("a", API.base_url, "k", verify=False).tls() is not one
    cert, _ = certificate.make(tmp_path)
    own = Settings("a", API.base_url, "k", verify=str(cert)).tls()
    assert own is Settings("b", API.base_url, "k", verify=str(cert)).tls()
    assert own is not one


# -- requests through proxies


class ProxyServer:
    """An HTTP or SOCKS5 proxy that connects whatever is asked for to one address.

    :param tls: of the proxy itself.
    """

    def __init__(self, to: int, tls: ssl.SSLContext | None = None) -> None:
        self.to, self.tls, self.seen, self.url = to, tls, list[str](), ""
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.url = f"127.0.0.1:{self._listening.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._listening.close()
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            first = await reader.readexactly(1)
            await (self._socks(reader, writer) if first == b"\x05" else self._http(first, reader, writer))
        writer.close()

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x05\x00")
        _, _, _, kind = await reader.readexactly(4)
        size = 4 if kind == 1 else (await reader.readexactly(1))[0]
        host = await reader.readexactly(size)
        await reader.readexactly(2)
        self.seen.append(f"socks {host.decode('latin-1')}")
        writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        await self._join(reader, writer, b"")

    async def _http(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = first + await reader.readuntil(b"\r\n\r\n")
        self.seen.append(head.decode("latin-1").split("\r\n")[0])
        if head.startswith(b"CONNECT"):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            head = b""
        await self._join(reader, writer, head)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        there_reader, there = await asyncio.open_connection("127.0.0.1", self.to)
        there.write(head)
        await asyncio.gather(_pump(reader, there), _pump(there_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.CancelledError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
def certified(tmp_path: Path) -> tuple[str, str]:
    cert, key = certificate.make(tmp_path)
    return str(cert), str(key)


@pytest.fixture
def secure(certified: tuple[str, str]) -> Iterator[SimulatorServer]:
    with SimulatorServer(certfile=certified[0], keyfile=certified[1]) as server:
        yield server


def tls_of(certified: tuple[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certified)
    return context


@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
@pytest.mark.parametrize("tls", [False, True])
async def test_reads_and_writes_go_through_the_proxy(
    scheme: str,
    tls: bool,
    operations_simulator: SimulatorServer,
    secure: SimulatorServer,
    certified: tuple[str, str],
) -> None:
    world, verify = secure if tls else operations_simulator, certified[0]
    if tls and scheme == "https" and sys.version_info < (3, 11):
        pytest.skip("refused: see below")
    port = int(world.url.rpartition(":")[2])
    async with ProxyServer(port, tls_of(certified) if scheme == "https" else None) as proxy:
        settings = Settings("c", world.base_url("onvera"), "k", verify=verify, proxy=f"{scheme}://{proxy.url}")
        client = AsyncClient(API, settings)
        for _ in range(2):
            assert (await client.send_once(DIRECT)).items == []
        assert (await client.send_once(API.create_deployment("airflow", "one"))).operation_id
        await client.aclose()
    expected = "socks " if scheme.startswith("socks") else "CONNECT " if tls else "GET http://"
    assert proxy.seen[0].startswith(expected)
    assert world.stats()["by_api"]["onvera"]["created"] == 1


def test_an_encrypted_proxy_shares_the_context_of_the_connection(certified: tuple[str, str]) -> None:
    settings = Settings("c", "http://127.0.0.1/api/v1", "k", verify=certified[0], proxy="https://127.0.0.1:9")
    assert settings.tls() is Settings("d", API.base_url, "k", verify=certified[0]).tls()
    assert AsyncClient(API, settings)._transport._reads._pool._proxy_ssl_context is settings.tls()  # type: ignore[attr-defined]


def test_tls_within_tls_is_refused_where_asyncio_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "_HAS_TLS_WITHIN_TLS", False)
    with pytest.raises(InvalidConnection, match=r"the extra proxy is 'https://p:1', which needs Python 3\.11"):
        read_settings(API, "my_conn", Conn(), {"proxy": "https://p:1"})


async def test_a_proxy_that_nobody_serves_has_certainly_sent_nothing(operations_simulator: SimulatorServer) -> None:
    for scheme in ("http", "socks5"):
        settings = Settings("c", "https://api.onvera.io/api/v1", "k", proxy=f"{scheme}://127.0.0.1:9")
        client = AsyncClient(API, settings)
        with pytest.raises(TransportError) as caught:
            await client.send_once(API.create_deployment("airflow", "one"))
        assert (caught.value.reason, caught.value.maybe_executed) == ("connect", False)
        await client.aclose()
