"""Whatever an API sends is a clean value or a ValueError; the quick check misses nothing that the walk would find."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.core.gate import MAX_DEPTH, REDACTED, TOO_DEEP, clean, redactor
from airflow_provider_ops.core.parsing import parse_json
from tests.core.odd import JSON, KEY


@given(JSON, st.booleans())
def test_what_is_parsed_is_what_cleaning_makes_of_it(value: Any, ascii_only: bool) -> None:
    content = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    redact = redactor(KEY)
    parsed = parse_json(content, redact)
    assert parsed == clean(parsed, redact)
    if ascii_only:
        assert parsed == clean(json.loads(content), redact)


@given(st.binary(max_size=200))
def test_bytes_are_a_clean_value_or_a_value_error(content: bytes) -> None:
    try:
        parsed = parse_json(content)
    except ValueError:
        return
    assert parsed == clean(parsed)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (rb'["a\u0000b"]', ["a\ufffdb"]),
        (rb'["a\ud800b"]', ["a\ufffdb"]),
        (rb'["\ud83d\ude00"]', ["\U0001f600"]),
        (b'["a\x00b"]', ["a\ufffdb"]),
        (b'["a\xffb"]', ["a\ufffdb"]),
        (b'["a\x7fb"]', ["a\ufffdb"]),
        ('["a\x9bb"]'.encode(), ["a\ufffdb"]),
        (b'["a\nb"]', ["a\nb"]),
        (b"[NaN, Infinity, -Infinity, 1e999, 1E+0400 ]", [None] * 5),
        (b"1e999", None),
        (b"[1e99]", [1e99]),
        (b"[18446744073709551615, 18446744073709551616, -9223372036854775809]", [2**64 - 1, None, None]),
        (b"[" + b"9" * 5000 + b"]", [None]),
        (b"[" + b"9" * 5000 + b".5]", [None]),
        ('["é"]'.encode("utf-16"), ["é"]),
        (b'\xef\xbb\xbf["a"]', ["a"]),
        (rb'["\u0073k-live-0123456789"]', [REDACTED]),
        (b'{"sk-live-0123456789": 1}', {REDACTED: 1}),
    ],
)  # fmt: skip
def test_odd_bytes(content: bytes, expected: object) -> None:
    assert parse_json(content, redactor(KEY)) == expected


def test_what_is_nested_too_deep_is_left_out_or_refused() -> None:
    value = parse_json(b"[" * 150 + b"]" * 150)
    depth = 0
    while isinstance(value, list):
        value, depth = value[0], depth + 1
    assert (value, depth) == (TOO_DEEP, MAX_DEPTH)
    with pytest.raises(ValueError, match="deep"):
        parse_json(b"[" * 100_000 + b"]" * 100_000)


def test_an_ordinary_page_is_not_walked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = {
        "id": "op_0e0001e9-1e99-4e00-9e00-0e0001234567",
        "at": "2026-08-01T10:00:00.123456+00:00",
        "n": 3,
        "x": 0.5,
    }
    page = json.dumps({"items": [operation] * 100, "message": "Größe [2/5] {ok} 50 %"}, ensure_ascii=False).encode()
    monkeypatch.setattr("airflow_provider_ops.core.parsing.clean", pytest.fail)
    assert len(parse_json(page, redactor(KEY))["items"]) == 100
