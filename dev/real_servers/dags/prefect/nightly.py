"""The flow of the Prefect server, and the process that runs it."""

from __future__ import annotations

import time

from prefect import flow


# Prefect is in an environment of its own, where its types are
@flow(name="nightly")  # type: ignore[untyped-decorator]
def nightly(case: str, seconds: float, fails: bool) -> None:  # noqa: ARG001 - the case is found by it
    """Work for some seconds, then fail if asked to."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        # a run is cancelled between two of these
        time.sleep(0.2)
    if fails:
        raise RuntimeError("no rows today")


if __name__ == "__main__":
    nightly.serve(name="real", limit=10, pause_on_shutdown=False)
