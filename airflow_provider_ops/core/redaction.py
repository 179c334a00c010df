"""Take a secret out of texts, in the forms in which an API or a proxy may send it back."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from urllib.parse import quote

Redact = Callable[[str], str]

#: What stands for a secret that was taken out. No id has it.
REDACTED = "***"
#: A secret of fewer characters would be found in texts that have nothing to do with it.
_SHORTEST = 12
_NAMED = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_URL_SAFE = str.maketrans("+/", "-_")


# the client asks with every answer
@lru_cache(maxsize=64)
def redactor(secret: str) -> Redactor:
    """Return what replaces ``secret`` in a text: plain, URL-encoded, escaped as in HTML or JSON, and within base64."""
    return Redactor(secret)


@lru_cache(maxsize=64)
def redactor_of(*secrets: str) -> Redactor:
    """As :func:`redactor`, for several: the key, the token that it was exchanged for, secrets in a request."""
    return redactor(secrets[0]) if len(secrets) == 1 else _Both(redactor(secrets[0]), redactor_of(*secrets[1:]))


class Redactor:
    """Replace a secret, and forms of it that have at least 12 characters, by :data:`REDACTED`."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        cores = [core for core in _base64_cores(secret) if len(core) >= _SHORTEST]
        self._cores = tuple(dict.fromkeys([*cores, *(core.translate(_URL_SAFE) for core in cores)]))
        needles = (secret, *self._cores) if len(secret) >= _SHORTEST else self._cores
        # where a character may be encoded, only the pattern can find it
        self._signs = (*needles, "%", "&", "\\") if secret else ()
        self._encoded_signs = tuple(sign.encode() for sign in self._signs)

    def __repr__(self) -> str:
        return "Redactor()"

    def __call__(self, text: str) -> str:
        """Return ``text`` with :data:`REDACTED` in place of the secret."""
        if len(text) < _SHORTEST:
            return text
        for sign in self._signs:
            if sign in text:
                return self._pattern.sub(REDACTED, text)
        return text

    def may_be_in(self, content: bytes) -> bool:
        """Return whether bytes may hold the secret; quick for those that do not."""
        for sign in self._encoded_signs:
            if sign in content:
                return self._pattern.search(content.decode("latin-1")) is not None
        return False

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        forms = [f"[A-Za-z0-9+/_-]{{0,3}}{re.escape(core)}[A-Za-z0-9+/_-]{{0,4}}={{0,2}}" for core in self._cores]
        if len(self._secret) >= _SHORTEST:
            forms.insert(0, "".join(map(_any_encoding, self._secret)))
        elif len(quoted := quote(self._secret, safe="")) >= _SHORTEST:
            # plain it is too short to be searched for
            forms.insert(0, re.sub("%[0-9A-F]{2}", lambda code: f"(?i:{code[0]})", re.escape(quoted)))
        return re.compile("|".join(forms) or "(?!)")


class _Both(Redactor):
    """Replace what two others replace."""

    def __init__(self, first: Redactor, second: Redactor) -> None:
        self._first, self._second = first, second

    def __call__(self, text: str) -> str:
        """As the two, one after the other."""
        return self._second(self._first(text))

    def may_be_in(self, content: bytes) -> bool:
        """As either of them."""
        return self._first.may_be_in(content) or self._second.may_be_in(content)


def _any_encoding(char: str) -> str:
    """Return a pattern for an ASCII character: plain, percent-encoded, as HTML entity, escaped as in JSON."""
    digits = f"{ord(char):02x}"
    either = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)
    forms = [re.escape(char), f"%(?:25)*{either}", f"&#(?:0*{ord(char)}|[xX]0*{either});", rf"\\+u00{either}"]
    if char in _NAMED:
        forms.append(f"&{_NAMED[char]};")
    if char in '/"\\':
        # escaped as often as it was put into a text of JSON
        forms.append(rf"\\+{re.escape(char)}")
    return f"(?:{'|'.join(forms)})"


def _base64_cores(secret: str) -> Iterator[str]:
    """Yield what base64 makes of a secret at each of the three offsets, without what depends on its neighbours."""
    for offset, start in enumerate((0, 2, 3)):
        encoded = base64.b64encode(bytes(offset) + secret.encode()).decode()
        yield encoded[start : (offset + len(secret.encode())) * 8 // 6]
