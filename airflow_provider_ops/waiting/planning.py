"""How many waits on one connection are looked at together: by list pages, or each by itself. No clock, no I/O."""

from __future__ import annotations

#: A look at a list serves all waits, so it may come more often than the interval of a single wait and still cost
#: less; this share of the interval halves the delay with which an end is noticed, and more.
LIST_SHARE = 0.4
#: Fewer waits than this are not worth the search for a cheaper plan.
FEWEST_FOR_LISTS = 4
#: Looks at a list that miss an operation before it is read by itself. One miss is normal: entries move between pages
#: while they are read.
MISSES = 2
#: So few missing operations are read at once, whatever the reason.
FEW_MISSING = 3
#: Seconds for which lists are not used after they failed while single reads worked.
LISTS_OFF = 60.0


def lists_are_cheaper(waits: int, pages: int) -> bool:
    """Whether reading ``pages`` list pages per look costs fewer requests per interval than one read per wait."""
    return waits >= FEWEST_FOR_LISTS and (pages + 1) / LIST_SHARE <= max(waits, FEWEST_FOR_LISTS * 2)


def list_interval(interval: float) -> float:
    """Seconds between looks at a list, for waits that would look every ``interval`` seconds each."""
    return interval * LIST_SHARE
