"""Take secrets out of texts, in the forms in which an API or a proxy may send them back."""

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
#: The same for what was declared to be secret, in texts that people read.
SHORTEST_DECLARED = 4
#: A longer secret is searched for in pieces of so many characters: a message may quote the beginning of it only.
_PIECE = 64
#: Pieces that are searched for; where there are more, the whole text is taken out.
_MOST_PIECES = 500
_NAMED = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_CONTROL = {"\n": "n", "\r": "r", "\t": "t"}
_URL_SAFE = str.maketrans("+/", "-_")


# the client asks with every answer
@lru_cache(maxsize=64)
def redactor(secret: str) -> Redactor:
    """Return what replaces ``secret`` in a text: plain, URL-encoded, escaped as in HTML or JSON, and within base64."""
    return Redactor(secret)


@lru_cache(maxsize=64)
def redactor_of(*secrets: str) -> Redactor:
    """As :func:`redactor`, for several: the key, the token that it was exchanged for, secrets in a request."""
    return Redactor(*secrets)


@lru_cache(maxsize=16)
def declared_redactor(secrets: tuple[str, ...]) -> Redact:
    """As :func:`redactor`, for texts of a request that were declared to be secret, from 4 characters on.

    For messages only: so short a text may be part of an id by chance.
    """
    pieces = list(dict.fromkeys(piece for secret in secrets for piece in _pieces(secret)))
    if len(pieces) > _MOST_PIECES:
        return lambda text: REDACTED if text else text
    return Redactor(*pieces, shortest=SHORTEST_DECLARED)


def _pieces(secret: str) -> Iterator[str]:
    for line in secret.splitlines() if len(secret) > _PIECE else [secret]:
        starts = range(0, len(line), _PIECE)
        for start in starts:
            piece = line[start : start + _PIECE]
            # the end of a line is no secret of its own: a few characters of it would be found everywhere
            if len(piece) >= (SHORTEST_DECLARED if len(starts) == 1 else _SHORTEST):
                yield piece


class Redactor:
    """Replace secrets, and forms of them that are long enough, by :data:`REDACTED`.

    :param shortest: characters from which on a secret, or a form of it, is searched for.
    """

    def __init__(self, *secrets: str, shortest: int = _SHORTEST) -> None:
        # what has another in it comes first
        self._secrets = sorted((one for one in dict.fromkeys(secrets) if one), key=len, reverse=True)
        self._shortest = shortest
        cores = [core for one in self._secrets for core in _base64_cores(one) if len(core) >= shortest]
        self._cores = tuple(dict.fromkeys([*cores, *(core.translate(_URL_SAFE) for core in cores)]))
        needles = (*(one for one in self._secrets if len(one) >= shortest), *self._cores)
        # where a character may be encoded, only the pattern can find it
        self._signs = (*needles, "%", "&", "\\") if self._secrets else ()
        self._encoded_signs = tuple(sign.encode("utf-8", "surrogatepass") for sign in self._signs)

    def __repr__(self) -> str:
        return "Redactor()"

    def __call__(self, text: str) -> str:
        """Return ``text`` with :data:`REDACTED` in place of the secrets."""
        if len(text) < self._shortest:
            return text
        for sign in self._signs:
            if sign in text:
                return self._pattern.sub(REDACTED, text)
        return text

    def may_be_in(self, content: bytes) -> bool:
        """Return whether bytes may hold a secret; quick for those that do not."""
        for sign in self._encoded_signs:
            if sign in content:
                return self._pattern.search(content.decode("utf-8", "replace")) is not None
        return False

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        forms = []
        for secret in self._secrets:
            if len(secret) >= self._shortest:
                forms.append("".join(map(_any_encoding, secret)))
            elif len(quoted := quote(secret, safe="", errors="replace")) >= self._shortest:
                # plain it is too short to be searched for
                forms.append(re.sub("%[0-9A-F]{2}", lambda code: f"(?i:{code[0]})", re.escape(quoted)))
        forms += [f"[A-Za-z0-9+/_-]{{0,3}}{re.escape(core)}[A-Za-z0-9+/_-]{{0,4}}={{0,2}}" for core in self._cores]
        # one mark for what stands together: pieces of a long secret
        return re.compile(f"(?:{'|'.join(forms)})+" if forms else "(?!)")


def _any_encoding(char: str) -> str:
    """Return a pattern for a character: plain, percent-encoded, as HTML entity, escaped as in JSON."""
    forms = [
        re.escape(char),
        "".join(f"%(?:25)*{_hex(byte, 2)}" for byte in char.encode("utf-8", "surrogatepass")),
        f"&#(?:0*{ord(char)}|[xX]0*{_hex(ord(char), 1)});",
        "".join(rf"\\+u{_hex(unit, 4)}" for unit in _utf16(char)),
    ]
    if char in _NAMED:
        forms.append(f"&{_NAMED[char]};")
    if char in '/"\\':
        # escaped as often as it was put into a text of JSON
        forms.append(rf"\\+{re.escape(char)}")
    if char in _CONTROL:
        forms.append(rf"\\+{_CONTROL[char]}")
    return f"(?:{'|'.join(forms)})"


def _hex(number: int, digits: int) -> str:
    """Return a pattern for a number in hexadecimal digits of either case."""
    return "".join(f"[{one}{one.upper()}]" if one.isalpha() else one for one in f"{number:0{digits}x}")


def _utf16(char: str) -> list[int]:
    encoded = char.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(encoded[at : at + 2], "big") for at in range(0, len(encoded), 2)]


def _base64_cores(secret: str) -> Iterator[str]:
    """Yield what base64 makes of a secret at each of the three offsets, without what depends on its neighbours."""
    raw = secret.encode("utf-8", "surrogatepass")
    for offset, start in enumerate((0, 2, 3)):
        encoded = base64.b64encode(bytes(offset) + raw).decode()
        yield encoded[start : (offset + len(raw)) * 8 // 6]
