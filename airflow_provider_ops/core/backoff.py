"""How long to pause while something fails. No clock, no I/O."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that grow with the time that has been lost already, instead of with the number of attempts.

    Whatever the number of callers and the length of an attempt, the last pause is a known share of the outage: with
    the default, what works again after a minute is noticed within 15 s.

    :param shortest: seconds; the first pause, and a lower bound of all.
    :param longest: seconds; an upper bound, which never goes below ``shortest``.
    :param share: pause per second since the first failure; 1.0 doubles the elapsed time with each attempt.
    """

    shortest: float
    longest: float = float("inf")
    share: float = 0.25

    def pause(self, lasted: float) -> float:
        """Return the seconds until the next attempt.

        :param lasted: seconds from the first failure in a row until now.
        """
        return max(self.shortest, min(self.share * lasted, self.longest))
