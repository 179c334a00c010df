from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from dev.real_servers.cutting_proxy import CuttingProxy


class Handler(BaseHTTPRequestHandler):
    """Answers each request, and refuses those that say so."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append(body)
        self.send_response(503 if b"refuse" in body and len(self.bodies) == 1 else 201)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Handler.bodies = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=5) as client:
        yield client


def test_the_first_good_answer_is_lost_and_the_server_has_the_request(
    server: ThreadingHTTPServer, client: httpx.Client
) -> None:
    with CuttingProxy(server.server_port, {"mine": "cut"}) as proxy:
        assert client.post(proxy.url, json={"case": "other"}).status_code == 201
        with pytest.raises(httpx.TransportError):
            client.post(proxy.url, json={"case": "mine"})
        assert proxy.withheld == {"mine"}
        assert client.post(proxy.url, json={"case": "mine"}).status_code == 201
        assert (len(Handler.bodies), len(proxy.mentions("mine"))) == (3, 2)


def test_a_refusal_is_no_answer_to_lose(server: ThreadingHTTPServer, client: httpx.Client) -> None:
    with CuttingProxy(server.server_port, {"mine": "cut"}) as proxy:
        assert client.post(proxy.url, json={"case": "mine", "do": "refuse"}).status_code == 503
        assert proxy.withheld == set()
        with pytest.raises(httpx.TransportError):
            client.post(proxy.url, json={"case": "mine"})


def test_an_answer_is_held_back_until_the_client_leaves(server: ThreadingHTTPServer, client: httpx.Client) -> None:
    called: list[str] = []
    with CuttingProxy(server.server_port, {"mine": "hold"}) as proxy:
        proxy.on_hold["mine"] = lambda: called.append("mine")
        with pytest.raises(httpx.ReadTimeout):
            client.post(proxy.url, json={"case": "mine"}, timeout=0.3)
        assert (called, proxy.withheld) == (["mine"], {"mine"})
        assert client.post(proxy.url, json={"case": "mine"}).status_code == 201
