"""The simulated APIs: one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .akua import Akua
from .lakesail import LakeSail
from .nirvana import Nirvana
from .onvera import Onvera

if TYPE_CHECKING:
    from .api import SimulatedApi

APIS: tuple[type[SimulatedApi], ...] = (Onvera, Nirvana, LakeSail, Akua)
