"""The simulated APIs: one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .onvera import Onvera

if TYPE_CHECKING:
    from .api import SimulatedApi

APIS: tuple[type[SimulatedApi], ...] = (Onvera,)
