"""`make conform`: a table of what client and simulator do, beside what the vendors' contracts say."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dev.conform import surface
from dev.conform.contract import Contract
from dev.conform.kept import FACTS, kept, later, read_contract, written
from dev.conform.run import Outcome, drive


def main() -> int:
    """Print the table; 1 when something differs."""
    parser = argparse.ArgumentParser(prog="make conform", description=__doc__)
    parser.add_argument(
        "contracts", nargs="*", type=Path, help="Akua's OpenAPI or Nirvana's types; default: the kept facts"
    )
    parser.add_argument("--keep", action="store_true", help="write the facts of the contracts into tests/conformance")
    options = parser.parse_args()
    if not options.contracts:
        return max([_check(api, kept(api)) for api in ("akua", "nirvana")])
    return max([_check_contract(path, keep=options.keep) for path in options.contracts])


def _check_contract(path: Path, *, keep: bool) -> int:
    api, facts = read_contract(path)
    place, text = FACTS / f"{api}.json", written(facts)
    if keep:
        place.write_text(text, encoding="utf-8")
    stale = not place.exists() or place.read_text(encoding="utf-8") != text
    if stale:
        print(f"{place.name} in tests/conformance is not of this contract: ARGS=--keep writes it anew")
    return max(int(stale), _check(api, Contract(facts, later(api))))


def _check(api: str, contract: Contract) -> int:
    outcome = drive(api, contract)
    problems = [*outcome.problems, *surface.problems(api, contract)]
    _print_table(api, outcome)
    exchanges = sum(outcome.recorder.seen.values())
    print(f"\n{api}: {len(contract.calls)} calls, {exchanges} exchanges, {len(problems)} problems")
    for problem in problems:
        print(f"  {problem}")
    return int(bool(problems))


def _print_table(api: str, outcome: Outcome) -> None:
    calls = sorted({call for call, _ in outcome.recorder.seen}, key=lambda call: (call.partition(" ")[2], call))
    width = max(map(len, calls))
    print(f"\n{api:{width}}  answers                        verdict")
    for call in calls:
        statuses = ", ".join(map(str, sorted(outcome.recorder.answered(call))))
        verdict = "differs" if outcome.recorder.problems.get(call) else "as the contract says"
        print(f"{call:{width}}  {statuses:29}  {verdict}")


if __name__ == "__main__":
    sys.exit(main())
