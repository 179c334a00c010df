from __future__ import annotations

import base64
from pathlib import Path

import pytest

from dev.leaks import CHUNK, leaks

SECRET = "sk-leak-canary"


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("Authorization: ***")

    assert leaks(tmp_path, SECRET) == []


@pytest.mark.parametrize("before", [b"", b"x" * (CHUNK - 5)], ids=["at the start", "across two chunks"])
def test_the_secret_is_found_in_clear(tmp_path: Path, before: bytes) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(before + b"key=" + SECRET.encode() + b" end")

    assert leaks(tmp_path, SECRET) == [Path("logs/a.log")]


@pytest.mark.parametrize("before", ["", "u", "us", "user"])
def test_the_secret_is_found_in_base64(tmp_path: Path, before: str) -> None:
    (tmp_path / "airflow.db").write_bytes(base64.b64encode(f"{before}{SECRET}:rest".encode()))

    assert leaks(tmp_path, SECRET) == [Path("airflow.db")]
