"""What went through the simulator, held against a contract."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from dev.conform.contract import FIRST_ERROR, Contract, Exchange

if TYPE_CHECKING:
    from airflow_provider_ops.simulator.api import Reply
    from airflow_provider_ops.simulator.gateway import Request


class Recorder:
    """Observer of a simulator: checks every answer, and requests as long as `checks_requests` is set.

    Requests that are meant to be refused are sent with `checks_requests` off.
    """

    def __init__(self, api: str, contract: Contract) -> None:
        self.api = api
        self.contract = contract
        self.checks_requests = True
        self.seen: Counter[tuple[str, int]] = Counter()
        self.problems: dict[str, set[str]] = defaultdict(set)

    def __call__(self, api: str, request: Request, reply: Reply) -> None:
        """Check one exchange."""
        if api != self.api:
            return
        exchange = _exchange(request, reply)
        call = self.contract.find(exchange.method, exchange.path) or f"{exchange.method} {request.path}"
        self.seen[call, exchange.status] += 1
        if self.checks_requests and exchange.status < FIRST_ERROR:
            self._note(call, "request", self.contract.problems_of_request(exchange))
        self._note(call, f"answer {exchange.status}", self.contract.problems_of_answer(exchange))

    def _note(self, call: str, what: str, problems: list[str]) -> None:
        self.problems[call] |= {f"{what}: {problem}" for problem in problems}

    def answered(self, call: str) -> set[int]:
        """Return the statuses that a call was answered with."""
        return {status for seen, status in self.seen if seen == call}

    def report(self) -> list[str]:
        """Return all problems, a line each."""
        return [f"{call}: {problem}" for call, found in sorted(self.problems.items()) for problem in sorted(found)]


def _exchange(request: Request, reply: Reply) -> Exchange:
    return Exchange(
        request.method,
        request.path,
        request.query,
        request.headers,
        _json(request.body),
        reply.status,
        # as it is after a way through JSON
        None if reply.data is None else json.loads(json.dumps(reply.data)),
    )


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body.strip() else None
    except ValueError:
        return None
