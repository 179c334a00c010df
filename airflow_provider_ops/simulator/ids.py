"""Ids in the form of the real ones, made from the seed."""

from __future__ import annotations

import string
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_UPPER = string.ascii_uppercase + string.digits
_LOWER = string.ascii_lowercase + string.digits


class Ids:
    """A stream of ids; the same seed and the same order of calls give the same ids."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def uuid(self) -> str:
        """Return a random UUID (version 4)."""
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def lower(self, length: int) -> str:
        """Return lower case letters and digits, as in `x1y2z3`."""
        return "".join(self._rng.choices(_LOWER, k=length))

    def upper(self, length: int) -> str:
        """Return upper case letters and digits, as in `K4T7M2Q9ZB`."""
        return "".join(self._rng.choices(_UPPER, k=length))
