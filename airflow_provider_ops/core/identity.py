"""Idempotency keys: a prefix derived from the task run, and a nonce that only one submit has.

A key is ``airflow-<task run>[-<loop>]-<origin>-<nonce>``, hexadecimal, at most 57 characters of ``[a-z0-9-]``: together
with the word ``cancel-`` it fits the 64 characters that Akua takes, and it is a valid label, tag and name elsewhere.

============ ==============================================================================================
part         names
============ ==============================================================================================
task run     dag, run, task and map index; equal for a run that was deleted and made again, and in another Airflow
loop         region and index of a loop (Airflow 3.4); absent elsewhere
origin       the version of the DAG in its Airflow; differs from Airflow to Airflow, and after a change of the DAG
nonce        one submit: when the run began, and random digits that are stored before the request leaves; or
             derived where nothing can be stored
============ ==============================================================================================
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

_WORD = "airflow"
_RUN, _LOOP, _ORIGIN, NONCE = 20, 10, 6, 10
#: Digits of a short key, and those of them that are of the task run.
_SHORT, _SHORT_RUN = 32, 16
_SHORT_KEY = re.compile(rf"[0-9a-f]{{{_SHORT}}}")
#: Where a UUID has its version and its variant.
_OF_UUID = (12, 16)
#: Digits of a nonce that encode when the run began; the others are random.
_START = 4
_KEY = re.compile(rf"({_WORD}-[0-9a-f]{{{_RUN}}})(-[0-9a-f]{{{_LOOP}}})?(-[0-9a-f]{{{_ORIGIN}}})-[0-9a-f]{{{NONCE}}}")
#: Keys of release 0.1.0, from which nothing can be read.
_KEY_1 = re.compile(r"airflow-[0-9a-f]{24}")
#: Generations, tries and values of ``max_tries`` of one task run whose keys of release 0.1.0 are known.
MOST_KEYS = 40
_NO_REGION = 0


@dataclass(frozen=True, slots=True)
class TaskRun:
    """What a submit belongs to.

    :param map_index: -1 for a task that is not mapped.
    :param region_id: hexadecimal UUID of the loop or mapping that it is in (Airflow 3.4).
    :param dag_version: UUID of the version of the DAG, which only one Airflow has.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    region_id: str | None = None
    region_index: int | None = None
    dag_version: str | None = None

    @property
    def coordinates(self) -> tuple[str, str, str, int]:
        """Return what can be known of a task run from its row in Airflow."""
        return self.dag_id, self.run_id, self.task_id, self.map_index

    @property
    def prefix(self) -> str:
        """Return what all keys of this task run in this Airflow begin with, without the last hyphen."""
        return f"{self._shared}-{_digest(_ORIGIN, self.dag_version or '')}"

    @property
    def _shared(self) -> str:
        run = run_prefix(*self.coordinates)
        loop = "" if self._is_plain else f"-{_digest(_LOOP, self.region_id or '', self.region_index)}"
        return f"{run}{loop}"

    @property
    def _is_plain(self) -> bool:
        return int((self.region_id or "0").replace("-", ""), 16) == _NO_REGION

    def key(self, nonce: str) -> str:
        """Return the key of one submit.

        :param nonce: see :func:`derived_nonce`, or as many random hexadecimal digits.
        """
        return f"{self.prefix}-{nonce}"

    def owns(self, key: str) -> bool:
        """Return whether a key, or a short one, was made for this task run in this Airflow."""
        if _is_short(key):
            mine = short_key(self.key("0" * NONCE))
            return _comparable(key)[:-NONCE] == _comparable(mine)[:-NONCE]
        return _KEY.fullmatch(key) is not None and key.rpartition("-")[0] == self.prefix

    def began(self, key: str, start: str) -> bool:
        """Return whether a key was made for a task run with these ids while its run had begun at this time.

        :param start: see :func:`start_digits`; empty where it is not known.
        """
        # a short key does not show in which iteration of a loop it was made
        is_known = self._is_plain or not _is_short(key)
        return bool(start) and is_known and self.resembles(key) and key[-NONCE:].startswith(start)

    def resembles(self, key: str) -> bool:
        """Return whether a key was made for a task run with these ids, whatever the Airflow or version of the DAG.

        A short one may be that of another iteration of its loop.
        """
        if _is_short(key):
            return is_short_of(key, run_prefix(*self.coordinates))
        match = _KEY.fullmatch(key)
        return match is not None and f"{match[1]}{match[2] or ''}" == self._shared


def run_prefix(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """Return the beginning of all keys of a task run, those of its loops included."""
    return f"{_WORD}-{_digest(_RUN, dag_id, run_id, task_id, map_index)}"


def run_prefix_of(key: str) -> str | None:
    """Return what :func:`run_prefix` gave for the task run of a key; ``None`` for other texts and keys of 0.1.0."""
    match = _KEY.fullmatch(key)
    return match[1] if match else None


def short_key(key: str) -> str:
    """Return the 32 hexadecimal digits that stand for a key where there is less room: labels, UUIDs.

    Of a key of ours 16 are of the task run, 6 of loop and origin, and 10 are the nonce; see :func:`is_short_of`.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        return hashlib.sha256(key.encode()).hexdigest()[:_SHORT]
    run, loop, origin = match[1].removeprefix(f"{_WORD}-"), match[2] or "", match[3]
    middle = _digest(_ORIGIN, loop, origin) if loop else origin.removeprefix("-")
    return f"{run[:_SHORT_RUN]}{middle}{key[-NONCE:]}"


def is_short_of(short: str, prefix: str) -> bool:
    """Return whether a short key is of the task run that :func:`run_prefix` gave this prefix."""
    run = prefix.removeprefix(f"{_WORD}-")
    return _is_short(short) and _comparable(short[:_SHORT_RUN]) == _comparable(run[:_SHORT_RUN])


def _is_short(key: str) -> bool:
    return _SHORT_KEY.fullmatch(key) is not None


def _comparable(digits: str) -> str:
    """Return digits without those in whose place a UUID has its version and variant."""
    return "".join(digit for place, digit in enumerate(digits) if place not in _OF_UUID)


def derived_nonce(*facts: object) -> str:
    """Return a nonce for submits of which nothing can be stored: equal as long as the facts are."""
    return _digest(NONCE, *facts)


def start_digits(began: object) -> str:
    """Return what the nonces of a run begin with; empty where it is not known when the run began.

    Retries and clears of a run that is not over keep that time, which is another one in another Airflow.
    """
    return "" if began is None else _digest(_START, began)


def is_our_key(text: object) -> bool:
    """Return whether a text has the form of a key of this or an earlier release."""
    return isinstance(text, str) and any(form.fullmatch(text) for form in (_KEY, _KEY_1))


def _digest(length: int, *parts: object) -> str:
    # NUL cannot occur in an id, so no two identities join to the same text
    identity = "\0".join(map(str, parts))
    return hashlib.sha256(identity.encode()).hexdigest()[:length]


# -- release 0.1.0


def submission_key(dag_id: str, run_id: str, task_id: str, map_index: int, generation: int | str) -> str:
    """Return the key that release 0.1.0 gave to one generation of a task run."""
    return f"{_WORD}-{_digest(24, dag_id, run_id, task_id, map_index, generation)}"


def key_prefix(max_tries: int | None, try_number: int | None) -> str:
    """Return what stood before the generation in the identity of a submit of release 0.1.0.

    :param max_tries: where nothing stored generations.
    :param try_number: where every try stood alone.
    """
    cleared = "" if max_tries is None else f"{max_tries} "
    return cleared if try_number is None else f"{cleared}try {try_number} "


def possible_keys(dag_id: str, run_id: str, task_id: str, map_index: int) -> Iterator[str]:
    """Yield the keys that submits of release 0.1.0 may have for one task run, likely ones first: :data:`MOST_KEYS`."""
    counts = range(1, MOST_KEYS + 1)
    begins = [(key_prefix(None, None), counts)]
    begins += [(key_prefix(max_tries, None), counts) for max_tries in (0, *counts)]
    begins += [(key_prefix(max_tries, number), range(1, 2)) for max_tries in (0, *counts) for number in counts]
    for begin, generations in begins:
        for generation in generations:
            yield submission_key(dag_id, run_id, task_id, map_index, f"{begin}{generation}")
