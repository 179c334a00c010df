"""The world of the clients, which poll in it."""

from __future__ import annotations

from tests.http.conftest import _retries_do_not_pause, _world, aclient, client, settings, world, world_clock

__all__ = ["_retries_do_not_pause", "_world", "aclient", "client", "settings", "world", "world_clock"]
