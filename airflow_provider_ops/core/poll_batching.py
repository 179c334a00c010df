"""How the waits on one connection are polled together, and how often. No clock, no I/O.

Lists are read in two ways. A *full scan* reads the lists of open operations and resolves whatever has left them: it
bounds the delay. A *quick scan* in between reads only where ends show up, in the lists of settled operations: for a
few pages it finds most ends much sooner than the interval of a single wait would.
"""

from __future__ import annotations

#: Fewer waits than this are not worth the search for a cheaper plan.
FEWEST_FOR_LISTS = 4
#: One scan of lists per this share of the interval: it serves all waits, so it may come more often than the polls of
#: a single wait and still cost less.
_SHARE = 0.45
#: With more pages than this, scans come less often (by the power below), so that cost grows slower than pages do; but
#: never so rarely that an end could stay unknown for two intervals.
_PAGES_AT_FULL_PACE, _STRETCH, _LARGEST_SHARE = 15, 0.7, 1.72
#: Entries of a page.
_ENTRIES = 100
#: So many waits are polled as soon as they come.
_MANY = 500
#: Intervals within which an end must be known.
_LATEST = 2.0
#: Pages of one list that are read at the same time, where an API numbers them: entries move less while a list is read.
_MOST_TOGETHER = 8
#: Most intervals between two full scans; with the time a full scan takes this stays below two.
_FULL_SCAN = 1.85
#: Full scans that miss an operation before it is read by itself, whatever the reason. One miss may be normal: entries
#: move between pages while they are read.
MISSES = 2
#: So few missing operations are read at once.
FEW_MISSING = 3
#: Most seconds for which lists are not used after they failed while single reads worked; at first it is an interval.
LISTS_OFF = 60.0
#: Full scans that show an operation without any change before it is read by itself.
UNCHANGED = 2
#: Of so many waits each is read by itself within three such scans; of more a smaller part, since more reads than pages
#: would be a high cost for waits that lists show correctly.
_READ_IN_TURN, _TURNS, _PAGES_PER_READ = 102, 3, 8


def are_lists_cheaper(waits: int, pages: int) -> bool:
    """Return whether reading ``pages`` list pages per scan costs fewer requests per interval than one read per wait."""
    return waits >= FEWEST_FOR_LISTS and (pages + 1) / _SHARE <= max(waits, FEWEST_FOR_LISTS * 2)


def pages_together(expected: int) -> int:
    """Return how many pages of a list to read at the same time.

    :param expected: how many more pages are expected to show something.
    """
    return max(1, min(expected, _MOST_TOGETHER))


def pause_between_quick_scans(interval: float, pages: int, *, in_doubt: bool = False, took: float = 0.0) -> float:
    """Return the seconds from one scan of lists to the next, for waits that would each poll every ``interval`` seconds.

    :param pages: pages that a full scan reads.
    :param in_doubt: the last scan missed some that may have settled, so that the next comes soon.
    :param took: seconds from the beginning of a full scan to its end; what ended just after its page was read is found
        only at the end of the next one.
    """
    largest = max(min(_LARGEST_SHARE, _LATEST - took / interval), _SHARE)
    stretched: float = _SHARE * (1.0 if in_doubt else (max(pages / _PAGES_AT_FULL_PACE, 1.0)) ** _STRETCH)
    return interval * min(stretched, largest)


def pages_of(waits: int) -> int:
    """Return how many pages show so many waits, as far as that can be known before one is read."""
    return waits // _ENTRIES


def first_poll(interval: float, waits: int) -> float:
    """Return the seconds from the first wait until lists are scanned for the first time.

    Each wait was polled before it was handed over. So where many come together, as when a triggerer starts, the
    first scan comes when all are there, and no sooner than any other.
    """
    return 0.0 if waits <= _MANY else pause_between_quick_scans(interval, pages_of(waits))


def is_full_scan_due(
    interval: float, since_last: float, pause: float, *, pages: int, depth: int, ends: int, waits: int
) -> bool:
    """Return whether the next scan is a full one: it is the cheaper one, or must not wait for yet another scan.

    :param since_last: seconds since the last full scan began.
    :param pause: seconds from this scan to the next.
    :param pages: pages of the lists of open operations.
    :param depth: pages a quick scan would read; 0 when nothing ever shows up there.
    :param ends: operations that the last scan found settled.
    :param waits: operations that are waited for: no more can be found settled, each for one read.
    """
    too_late = since_last + pause > interval * _FULL_SCAN
    return depth == 0 or too_late or pages + min(ends, waits, depth) <= depth


def reads_at_once(missing: int, depth: int) -> bool:
    """Return whether single reads of what a full scan missed cost no more than searching the lists of settled ones."""
    return missing <= max(FEW_MISSING, depth)


def reads_of_first_misses(pages: int) -> int:
    """Return how many operations that were missed only once are read by themselves after a full scan of so many pages.

    Those that are not make another full scan come soon, which costs more.
    """
    return max(FEW_MISSING, pages // 2)


def reads_of_unchanged(waits: int, pages: int) -> int:
    """Return how many operations whose entries do not change are read by themselves after a full scan.

    :param waits: how many are waited for.
    :param pages: that the scan has read.
    """
    if waits <= _READ_IN_TURN:
        return -(-waits // _TURNS)
    share = _READ_IN_TURN / waits
    return max(int(_READ_IN_TURN / _TURNS * share**2), pages // _PAGES_PER_READ, 1)


def reads_within_a_budget(pages: int) -> int:
    """Return how many are read by themselves after a full scan that the budget makes longer than the interval."""
    return max(FEW_MISSING, pages // 4)


def seconds_for_all(requests: int, requests_per_second: float | None) -> float:
    """Return how many seconds the budget makes so many requests take."""
    return requests / requests_per_second if requests_per_second else 0.0
