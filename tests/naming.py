"""Names of parametrised tests."""

from __future__ import annotations

import re


def shown(value: object) -> str:
    """Return the representation of a value without addresses, which are others in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
