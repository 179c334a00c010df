"""The key is found in every form in which an API may send it back."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ops.core.redaction import REDACTED, redactor

KEY = 'sk-live/0123+456"789&<ab>=='
FORMS = {
    "plain": KEY,
    "url": quote(KEY, safe=""),
    "url, lower case": quote(KEY, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
    "url, slash kept": quote(KEY),
    "url, twice": quote(quote(KEY, safe=""), safe=""),
    "form": quote_plus(KEY),
    "url, each character": "".join(f"%{ord(char):02X}" for char in KEY),
    "html": html.escape(KEY),
    "html, numbers": "".join(f"&#{ord(char)};" for char in KEY),
    "html, hex": "".join(f"&#x{ord(char):x};" for char in KEY),
    "json in a text": json.dumps(KEY)[1:-1],
    "json of php": json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "json, each character": "".join(f"\\u{ord(char):04x}" for char in KEY),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_form_of_the_key_is_replaced_inside_longer_text(form: str) -> None:
    assert redactor(KEY)(f"the key '{form}' is not known") == f"the key '{REDACTED}' is not known"


@given(
    st.text("abcXYZ019+/-_%&", min_size=12, max_size=40), st.binary(max_size=7), st.binary(max_size=7), st.booleans()
)
def test_base64_of_more_than_the_key_hides_nothing(key: str, before: bytes, after: bytes, url_safe: bool) -> None:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    encoded = encode(before + key.encode() + after).decode()
    redacted = redactor(key)(f"<{encoded}>")
    assert REDACTED in redacted
    # what is left on either side are bits of at most one character of the key
    for part in redacted.strip("<>").split(REDACTED):
        assert len(part) <= len(encode(before).decode()) + len(encode(after).decode())


@given(st.text("abcXYZ019+/-_%&\"' ", min_size=12, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_the_plain_key_is_never_left(key: str, before: str, after: str) -> None:
    assert key not in redactor(key)(before + key + after).replace(REDACTED, "")


def test_a_short_key_is_not_looked_for_in_texts_that_have_nothing_to_do_with_it() -> None:
    assert redactor("test")("testing the latest") == "testing the latest"


def test_a_short_key_is_found_where_its_form_is_long() -> None:
    assert redactor("a/b/c+d")("key=a%2Fb%2Fc%2bd") == f"key={REDACTED}"


def test_no_key_replaces_nothing() -> None:
    assert redactor("")("50 % & more, \\n included") == "50 % & more, \\n included"


@pytest.mark.parametrize("form", [*FORMS.values(), base64.b64encode(b"u:" + KEY.encode()).decode()])
def test_bytes_that_may_hold_the_key_are_known(form: str) -> None:
    redact = redactor(KEY)
    assert redact.may_be_in(json.dumps({"message": f"no such key: {form}"}).encode())
    assert not redact.may_be_in(b'{"message": "50 % & more"}')


def test_repr_does_not_show_the_key() -> None:
    assert KEY not in repr(redactor(KEY))
