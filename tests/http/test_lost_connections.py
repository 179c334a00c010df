"""A connection under way when nobody wants it any more is closed with its client, not lost with the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys

import pytest

from airflow_provider_ops.http.network import Delivery
from airflow_provider_ops.http.tls import plain_context
from airflow_provider_ops.http.transport import Transport, build_request


@pytest.mark.parametrize("turns", range(16))
def test_a_connection_that_nobody_waits_for_is_closed_with_its_client(
    turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/x"

        async def give_up_while_connecting() -> None:
            transport = Transport(plain_context(), None)
            request = build_request("GET", url, query={}, json=None, headers={}, timeout=5.0, read=5.0)
            asking = asyncio.ensure_future(
                transport.exchange(request, writes=False, total=5.0, delivery=Delivery(), before=lambda: None)
            )
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
            await transport.aclose()

        monkeypatch.setattr(sys, "unraisablehook", lambda seen: lost.append(seen.object))
        asyncio.run(give_up_while_connecting())
        gc.collect()
    assert lost == []
