"""What leaves is safe to keep, and small enough."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.core.gate import (
    RESULT,
    SHORT,
    Limits,
    LineLog,
    clean,
    clean_text,
    cut_text,
    fit,
    is_clean_id,
    line_log_of,
    one_line,
    redactor,
)
from tests.core.odd import JSON, KEY


@given(JSON)
def test_a_clean_value_goes_through_every_encoder_and_back(value: Any) -> None:
    cleaned = clean(value)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(cleaned)) == cleaned
    assert json.loads(json.dumps(cleaned, allow_nan=False, ensure_ascii=False).encode()) == cleaned
    assert "\0" not in json.dumps(cleaned, ensure_ascii=False)


@given(JSON)
def test_cleaning_twice_changes_nothing_more(value: Any) -> None:
    assert clean(clean(value)) == clean(value)


def test_documents_keep_their_lines() -> None:
    assert clean_text("apiVersion: v1\r\n\tkind: Config\n") == "apiVersion: v1\r\n\tkind: Config\n"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("done\n2026-01-01 INFO all is well", "done\\n2026-01-01 INFO all is well"),
        ("a\r\nb\rc", "a\\nb\\rc"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("a\u2028b\x85c", "a\ufffdb\ufffdc"),
        ("\u202egnp.exe", "\ufffdgnp.exe"),
        ("::group::x", ": :group::x"),
        ("x ::EndGroup:: y", "x : :EndGroup:: y"),
        ("##[group]x", "# #[group]x"),
        ("std::vector and fe80::1, a group", "std::vector and fe80::1, a group"),
    ],
)
def test_a_text_cannot_forge_a_line(said: str, shown: str) -> None:
    assert one_line(said) == shown


def test_an_id_that_was_cleaned_is_none() -> None:
    redact = redactor(KEY)
    assert is_clean_id("op_1")
    assert not any(is_clean_id(clean_text(odd, redact)) for odd in ("op\0_1", "op_\ud800", f"op_{KEY}", "op\n1"))


@given(JSON, st.integers(60, 300), st.integers(1, 5), st.integers(0, 2000))
def test_what_fits_is_clean_and_within_the_limits(value: Any, text: int, items: int, total: int) -> None:
    fitted, _ = fit(value, Limits(text, items, total))
    assert fitted == clean(fitted)

    def check(part: Any) -> None:
        if isinstance(part, str):
            assert len(part.encode()) <= text
        elif isinstance(part, dict):
            assert len(part) <= items
            for name, item in part.items():
                check(name)
                check(item)
        elif isinstance(part, list):
            assert len(part) <= items
            for item in part:
                check(item)

    check(fitted)


@given(JSON)
def test_what_is_small_is_not_cut(value: Any) -> None:
    assert fit(value) == (clean(value), False)


class _Word(str):
    """A text that is not plain."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"word {str(self)!r}"


@pytest.mark.parametrize(
    "value",
    [
        {1: "a"}, {_Word("a"): 1}, _Word("a"), (1,), {"a": ("b",)}, 2**64, [float("nan")], {"a\x1b": 1}, ["\x7f"],
        ["x" * 2049], [["a"] * 201], "\ud800", {"n": object}, [b"a"],
    ],
    ids=repr,
)  # fmt: skip
def test_nothing_that_is_not_plain_goes_through_unchanged(value: Any) -> None:
    fitted, _ = fit(value)
    assert json.loads(json.dumps(fitted, allow_nan=False)) == fitted
    # equal values need not be of equal types
    assert repr(fitted) != repr(value)


def test_a_value_nested_deeper_than_allowed_is_cut_however_small_it_is() -> None:
    value: Any = []
    for _ in range(100):
        value = [value]
    assert fit(value).is_cut


def test_a_cut_has_a_mark() -> None:
    value, is_cut = fit({"message": "é" * 5000, "steps": list(range(1000))})
    assert is_cut
    assert len(value["message"].encode()) <= SHORT.text
    assert value["message"].endswith(" [cut, 10000 bytes in all]")
    assert len(value["steps"]) == SHORT.items
    assert value["steps"][-1] == "[cut, 1000 items in all]"


def test_many_texts_together_stay_within_the_total() -> None:
    value, is_cut = fit(
        [{"id": f"op_{number}", "message": "x" * 2000, "more": ["y" * 2000] * 100} for number in range(200)]
    )
    assert is_cut
    assert len(json.dumps(value)) < 3 * SHORT.total
    assert value[0]["message"] == "x" * 2000


def test_objects_within_objects_end() -> None:
    value: Any = "x"
    for _ in range(12):
        value = {str(number): value for number in range(200)}
    assert len(json.dumps(fit(value).value)) < 20 * SHORT.total


def test_a_kubeconfig_is_no_reason_to_cut_a_result() -> None:
    assert fit({"kubeconfig": "x" * 200_000}, RESULT) == ({"kubeconfig": "x" * 200_000}, False)


def test_a_text_is_cut_between_characters() -> None:
    assert cut_text("\U0001f600" * 100, 50) == "\U0001f600" * 6 + " [cut, 400 bytes in all]"


ONE = "op_ffb83cb8-e020-4d9c-b71a-4a647187705b"


class _Heard:
    def __init__(self, level: int = logging.INFO) -> None:
        self.lines: list[str] = []
        self.level = level

    info = warning = lambda self, line: self.lines.append(line)

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - as loggers call it
        return level >= self.level


def test_a_long_id_is_whole_where_it_appears_first_and_short_after_that() -> None:
    heard = _Heard()
    log = LineLog(heard)
    one, other = ONE, "op_ffb83cb8-0000-4d9c-b71a-4a647187705b"
    log.info("%s: queued", one)
    log.info("%s: running, see https://ui/%s and GET /operations/%s", one, one, one)
    log.info("%s: queued", other)
    log.info("%s: running", other)
    log.warning("%s continues remotely", one)
    assert heard.lines == [
        f"{one}: queued",
        f"op_ffb83cb8...: running, see https://ui/{one} and GET /operations/{one}",
        f"{other}: queued",
        f"{other}: running",
        "op_ffb83cb8... continues remotely",
    ]


def test_a_warning_is_an_appearance_as_any_other() -> None:
    heard = _Heard()
    log = LineLog(heard)
    log.warning("%s is failing", ONE)
    log.info("%s: running", ONE)
    assert heard.lines == [f"{ONE} is failing", "op_ffb83cb8...: running"]


def test_a_line_that_is_left_out_is_no_appearance() -> None:
    heard = _Heard(logging.WARNING)
    log = LineLog(heard)
    log.info("%s: running", ONE)
    assert heard.lines == []
    log.warning("%s is failing", ONE)
    assert heard.lines == [f"{ONE} is failing"]


def test_what_stands_in_for_an_error_has_whole_ids() -> None:
    heard = _Heard()
    log = LineLog(heard)
    for _ in range(2):
        log.info("%s: running", ONE)
        log.briefing("%s continues remotely", ONE)
    assert heard.lines[1::2] == [f"{ONE} continues remotely"] * 2


def test_what_was_done_as_asked_is_no_warning() -> None:
    levels: list[str] = []
    log = LineLog(SimpleNamespace(info=lambda _: levels.append("info"), warning=lambda _: levels.append("warning")))
    log.briefing("%s continues", ONE)
    log.briefing("%s continues, as on_kill=leave says", ONE, is_as_asked=True)
    assert levels == ["warning", "info"]


def test_all_that_a_task_logs_in_one_process_is_one_log() -> None:
    first, second = (SimpleNamespace(log=_Heard()) for _ in range(2))
    for owner in (first, first, second):
        line_log_of(owner).info("%s: running", ONE)
    assert first.log.lines == [f"{ONE}: running", "op_ffb83cb8...: running"]
    assert second.log.lines == [f"{ONE}: running"]


def test_short_ids_stay_as_they_are() -> None:
    heard = _Heard()
    log = LineLog(heard)
    for _ in range(2):
        log.info("op_l3ejhlxwg9tjk15x: running")
    assert heard.lines == ["op_l3ejhlxwg9tjk15x: running"] * 2
