"""Whatever a server answers: one of our errors, or a value, within time and memory."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ops.apis.onvera import API
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.http.async_client import AsyncClient
from airflow_provider_ops.http.bodies import MAX_VALUES
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.operation import Operation
from tests.http.odd_answers import ID, answer, mutations, odd_answers
from tests.played import Played

ROOT = Path(__file__).parents[2]
CORPUS = odd_answers()
#: Large ones of many small values; too slow to be among those that are changed at random.
FLAT = {
    "floats": answer(b"[" + b"1.1," * 2_000_000 + b"1]"),
    "integers": answer(b"[" + b"999," * 2_000_000 + b"1]"),
    "texts": answer(b"[" + b",".join(b'"%04d"' % (one % 10_000) for one in range(1_150_000)) + b"]"),
    "keys": answer(b"{" + b",".join(b'"%x":7' % one for one in range(800_000)) + b"}"),
    "fewer keys": answer(b"{" + b",".join(b'"%x":"%x"' % (one, one) for one in range(MAX_VALUES)) + b"}"),
}
READ = API.get_operation(ID)
_NUMBERS = itertools.count()


def test_the_corpus_is_what_it_says() -> None:
    assert len(CORPUS) >= 150
    assert len(set(mutations(500, 1))) > 450


async def outcome(client: AsyncClient) -> Any:
    try:
        return await client.send_once(READ)
    except OpsError as error:
        return error


def played(data: bytes) -> AsyncClient:
    # connections of their own: what one answer asks for must not hold up another
    settings = Settings(f"c{next(_NUMBERS)}", "http://127.0.0.1/api/v1", "a-key")
    return AsyncClient(API, settings, backend=Played(lambda _: data))


async def read_all(answers: Iterable[bytes]) -> list[Any]:
    found = []
    for data in answers:
        client = played(data)
        found.append(await asyncio.wait_for(outcome(client), 60))
        await client.aclose()
    return found


def check(result: Any, what: object) -> None:
    assert isinstance(result, (OpsError, Operation)), what
    if isinstance(result, Operation):
        assert result.id == ID, what
    else:
        assert len(str(result)) < 2000, what
        assert not any(ord(char) < 32 for char in str(result)), what


@pytest.mark.timeout(600)
def test_every_odd_answer_is_a_value_or_one_of_our_errors() -> None:
    for name, result in zip(CORPUS, asyncio.run(read_all(CORPUS.values())), strict=True):
        check(result, name)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(8))
def test_ten_thousand_mutations_are_values_or_our_errors(seed: int) -> None:
    answers = list(mutations(1250, seed))
    for data, result in zip(answers, asyncio.run(read_all(answers)), strict=True):
        check(result, data)


@pytest.mark.timeout(600)
def test_no_odd_answer_takes_much_memory() -> None:
    code = """
        import asyncio
        from tests.http.test_odd_answers import *
        def peak():
            # what getrusage says begins with the peak of the process that started this one, and hides all below it
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        asyncio.run(read_all([CORPUS["one chunk"]]))
        before, worst = peak(), 0
        for name, data in {**CORPUS, **FLAT}.items():
            asyncio.run(read_all([data]))
            if peak() - before > worst:
                worst = peak() - before
                print(name)
        print(worst)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < 64 * 1024, done.stdout
