"""
`make browser`: a real browser fills in the connection forms and checks the tab *Operation*, in real Airflow.

Ends with 0 only when forms and pages do what they should. The pictures go where the docs take them from.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import Final

from playwright.sync_api import Error as BrowserError

from dev.browser.axe import NoAxe
from dev.browser.forms import FormBroken, check_test_button, fill
from dev.browser.scenes import Gallery, SceneBroken
from dev.browser.stage import CHECKOUT, SCRATCH, stage
from dev.browser.window import NoBrowser, browser, find_browser
from dev.processes import Interrupted, ProcessDied
from dev.simulator import APIS
from dev.stack import BrokenDag, StackTimeout

IMAGES: Final = CHECKOUT / "docs" / "images"
#: The pictures that the docs show.
IN_DOCS: Final = (
    *(f"connection-{api}.png" for api in APIS),
    "connection-test.png",
    "view-running-light.png",
    "view-phases-dark.png",
    "view-failed-dark.png",
    "view-many-light.png",
    "view-second-try-light.png",
    "view-trouble-light.png",
    "view-parts-failed-dark.png",
    "view-killed-light.png",
)
START: Final = time.monotonic()


def say(text: str) -> None:
    """Print one line with the seconds since the start."""
    print(f"{time.monotonic() - START:4.0f} s  {text}", flush=True)


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make browser", description="Check Airflow's UI with a real browser.")
    parser.add_argument("--images", type=Path, default=SCRATCH / "images", help="where the pictures go")
    parser.add_argument("--docs", action="store_true", help="take those that the docs show over into docs/images")
    parser.add_argument("--only", choices=("forms", "view"), help="one half of it")
    return parser.parse_args(argv)


def run(options: argparse.Namespace) -> None:
    """Do what the options say; raises what is wrong."""
    images = options.images
    say(f"Browser: {find_browser()}; starting Airflow and the simulator")
    with stage() as played, browser() as running:
        say(f"Airflow is up: {played.stack.url}")
        gallery = Gallery(played, running, images)
        if options.only != "view":
            with gallery.window() as window:
                for api in APIS:
                    fill(window, played, api, images / f"connection-{api}.png")
                    say(f"{api}: form filled, saved, read back")
                for api in APIS:
                    say(check_test_button(window, played, api, images / "connection-test.png"))
        if options.only != "forms":
            gallery.play()
            say("The tab Operation shows what it should, light and dark")
    say(f"Pictures: {images}")
    if options.docs:
        for name in IN_DOCS:
            if (images / name).exists():
                shutil.copy2(images / name, IMAGES / name)


def main() -> int:
    """Run, and return the exit code."""
    try:
        run(arguments())
    except Interrupted as signal:
        return signal.exit_code
    except (NoAxe, NoBrowser, FormBroken, SceneBroken, BrokenDag, ProcessDied, StackTimeout, BrowserError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
