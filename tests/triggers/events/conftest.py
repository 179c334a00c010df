from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_pauses(retry_at_once: None) -> None: ...
