"""What somebody meant who wrote a word that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that resembles ``word`` most; letters in another order count as most alike."""
    words = sorted(known)
    turned = next((one for one in words if sorted(one) == sorted(word.lower())), None)
    return turned or next(iter(difflib.get_close_matches(word, words, 1)), None)
