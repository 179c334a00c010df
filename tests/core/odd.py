"""Values that an API may send although nothing of Airflow can take them."""

from __future__ import annotations

from hypothesis import strategies as st

KEY = "sk-live-0123456789"
ODD_TEXTS = st.sampled_from(
    [
        "\0",
        "\ud800",
        "\udfff",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\x9b",
        "\u2028",
        "é",
        "\U0001f600",
        KEY,
        "sk%2Dlive-0123456789",
    ]
)
TEXTS = st.lists(st.one_of(ODD_TEXTS, st.text(max_size=5)), max_size=3).map("".join)
NUMBERS = st.one_of(
    st.integers(),
    st.sampled_from([10**400, -(10**400), 2**64, 2**64 - 1, -(2**63) - 1]),
    st.floats(),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda children: st.one_of(st.lists(children, max_size=4), st.dictionaries(TEXTS, children, max_size=4)),
    max_leaves=20,
)
