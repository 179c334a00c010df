"""Which fault strikes which request: the rules of a plan, matched and counted."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from email.utils import formatdate
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeVar

from .lifecycle import Fate
from .routing import shape
from .rules import (
    BadPlanError,
    DateIn,
    EarlyDatesFault,
    EndlessFault,
    ListLagFault,
    MillisIn,
    NotFoundFirstFault,
    OperationCancelledFault,
    OperationFailsFault,
    OperationRule,
    RequestRule,
    Rule,
    SlowCancelFault,
    StatusFault,
    UnknownStatusFault,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .clock import Clock

_R = TypeVar("_R", bound=Rule)
_FAULT_SEED = "faults"


@dataclass(frozen=True)
class Subject:
    """What a request is about, as far as rules can ask."""

    api: str
    mount: str
    method: str
    path: str
    """Relative to the mount."""
    template: str | None
    """Of the route, None where no route matches."""
    resource_ids: tuple[str, ...] = ()
    """All spellings of the id of the resource."""
    name: str | None = None
    kind: str | None = None
    """Of the operation, once one is created."""


@dataclass
class _Tally:
    seen: int = 0
    fired: int = 0


class FaultPlan:
    """The rules in force since `set_at`; without rules nothing goes wrong."""

    def __init__(self, rules: Sequence[Rule], seed: int, clock: Clock) -> None:
        self.rules = list(rules)
        self.by_kind: Counter[str] = Counter()
        self._clock = clock
        self._set_at = clock.time()
        self._rng = random.Random(f"{seed}:{_FAULT_SEED}")
        self._tallies = [_Tally() for _ in rules]
        self._for_requests = self._of(RequestRule)
        self._for_operations = self._of(OperationRule)
        self.needs_subject = any(rule.resource or rule.name for rule in rules)
        """Whether any rule asks for a resource; finding it out for each request would cost."""

    def strike_request(self, subject: Subject) -> RequestRule | None:
        """Return the fault that this request meets, if any."""
        return next((rule for rule, tally in self._for_requests if self._fires(rule, tally, subject)), None)

    def strike_operation(self, subject: Subject) -> Fate:
        """Return what becomes of an operation that this request creates."""
        facts: dict[str, object] = {}
        for rule, tally in self._for_operations:
            kind_matches = rule.kind is None or fnmatchcase(subject.kind or "", rule.kind)
            if kind_matches and self._fires(rule, tally, subject):
                facts.update(_fate_of(rule))
        return Fate(**facts)  # type: ignore[arg-type]

    def describe(self) -> list[dict[str, object]]:
        """Return the rules with how often they matched and fired."""
        return [
            {**rule.model_dump(by_alias=True, exclude_defaults=True), "seen": tally.seen, "fired": tally.fired}
            for rule, tally in zip(self.rules, self._tallies, strict=True)
        ]

    def _of(self, family: type[_R]) -> list[tuple[_R, _Tally]]:
        return [
            (rule, tally) for rule, tally in zip(self.rules, self._tallies, strict=True) if isinstance(rule, family)
        ]

    def _fires(self, rule: Rule, tally: _Tally, subject: Subject) -> bool:
        if not (_applies(rule, subject) and self._in_time(rule)):
            return False
        tally.seen += 1
        if tally.seen <= rule.skip or (rule.count is not None and tally.fired >= rule.count):
            return False
        if rule.probability < 1 and self._rng.random() >= rule.probability:
            return False
        tally.fired += 1
        self.by_kind[getattr(rule, "fault", "")] += 1
        return True

    def _in_time(self, rule: Rule) -> bool:
        since = self._clock.time() - self._set_at
        return since >= rule.after and (rule.during is None or since < rule.after + rule.during)


def check_places(rules: Sequence[Rule], routes: Mapping[str, tuple[str, Sequence[str]]]) -> None:
    """Raise if a rule names an API or a route template that does not exist: such a rule would never fire.

    `routes` has mount and templates by API.
    """
    known = {shape(full) for mount, templates in routes.values() for t in templates for full in (t, mount + t)}
    for number, rule in enumerate(rules):
        if rule.api is not None and rule.api not in routes:
            message = f"rules[{number}]: unknown api '{rule.api}'; allowed: {', '.join(routes)}"
            raise BadPlanError(message)
        if rule.route is not None and "{" in rule.route and shape(rule.route) not in known:
            allowed = ", ".join(sorted(t for _, templates in routes.values() for t in templates))
            message = f"rules[{number}]: no route has the path '{rule.route}'; allowed: {allowed}"
            raise BadPlanError(message)


def retry_after(rule: StatusFault, now: float) -> dict[str, str]:
    """Return the header that says how long the client should pause."""
    value = rule.retry_after
    if value is None:
        return {}
    if isinstance(value, MillisIn):
        return {"retry-after-ms": str(value.ms)}
    if isinstance(value, DateIn):
        return {"Retry-After": formatdate(now + value.date_in, usegmt=True)}
    return {"Retry-After": f"{value:g}"}


def _applies(rule: Rule, subject: Subject) -> bool:
    return (
        rule.api in (None, subject.api)
        and rule.method in (None, subject.method)
        and (rule.route is None or _route_applies(rule.route, subject))
        and (rule.name is None or (subject.name is not None and fnmatchcase(subject.name, rule.name)))
        and (rule.resource is None or any(fnmatchcase(one, rule.resource) for one in subject.resource_ids))
    )


def _route_applies(route: str, subject: Subject) -> bool:
    if "{" in route:
        template = subject.template
        return template is not None and shape(route) in (shape(template), shape(subject.mount + template))
    # `route` may be written with the mount or without, and as a glob over paths or over templates.
    spellings = [subject.path, subject.mount + subject.path]
    if subject.template is not None:
        spellings.append(subject.template)
    return any(fnmatchcase(spelling, route) for spelling in spellings)


def _fate_of(rule: OperationRule) -> dict[str, object]:
    """Return the fields of Fate that a rule decides."""
    if isinstance(rule, OperationFailsFault):
        advice = (rule.retryable, rule.retry_after)
        return {"stage": "failed", "reason": rule.reason, "code": rule.code, "advice": advice}
    if isinstance(rule, OperationCancelledFault):
        return {"stage": "cancelled", "reason": rule.reason}
    if isinstance(rule, EndlessFault):
        return {"endless": True}
    if isinstance(rule, UnknownStatusFault):
        return {"unknown_word": rule.word, "unknown_seconds": rule.seconds}
    if isinstance(rule, NotFoundFirstFault):
        return {"hidden_reads": rule.reads}
    if isinstance(rule, SlowCancelFault):
        return {"cancel_seconds": rule.seconds}
    return _seen_as(rule)


def _seen_as(rule: OperationRule) -> dict[str, object]:
    """Return the fields of Fate for rules that change nothing but what is shown."""
    if isinstance(rule, ListLagFault):
        return {"list_lag": rule.seconds}
    if isinstance(rule, EarlyDatesFault):
        return {"dates_early": rule.seconds, "hides_end": rule.no_end}
    return {}
