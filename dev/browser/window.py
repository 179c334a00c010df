"""The browser: the system's Chromium, driven by Playwright, signed in to one Airflow."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, ConsoleMessage, FrameLocator, Page, sync_playwright

from dev.browser import axe

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: The browser is to talk to this Airflow and to no other host.
FLAGS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
)
#: Milliseconds that a busy machine is given for a page.
PATIENCE: Final = 180_000
#: The time zone that is picked in Airflow's UI; none that a machine of ours is in.
ZONE: Final = "Pacific/Auckland"
Theme = Literal["light", "dark"]


class NoBrowser(RuntimeError):
    """There is no browser on this machine."""


def find_browser() -> str:
    """Return the path of a Chromium; `CHROMIUM` in the environment names another one."""
    named = os.environ.get("CHROMIUM")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        searched = named or ", ".join(NAMES)
        raise NoBrowser(
            f"no browser found (searched for {searched}): apt-get install chromium, or CHROMIUM=/path/to/it"
        )
    return found


@dataclass
class Window:
    """One page in one theme, signed in. What the page complains about is kept in `complaints`."""

    page: Page
    url: str
    theme: Theme
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page of Airflow and wait until it has loaded."""
        self.page.goto(self.url + path)
        self.page.wait_for_load_state("networkidle")

    def operation(self, path: str) -> FrameLocator:
        """Open the tab of a task instance, and return what is in the frame when it has been drawn."""
        self.go(f"{path}/plugin/operation")
        frame = self.page.frame_locator("iframe")
        frame.locator("main[aria-busy=false]").wait_for()
        return frame

    def violations(self) -> list[str]:
        """Return what axe-core has to say against what is in the frame of our page."""
        frame = next((one for one in self.page.frames if "/airflow-provider-ops/" in one.url), None)
        if frame is None:
            return ["there is no frame of ours"]
        frame.evaluate(axe.source())
        found = frame.evaluate("async () => (await axe.run()).violations")
        return [f"{one['id']}: {[node['html'][:200] for node in one['nodes'][:3]]}" for one in found]

    def picture(self, file: Path) -> None:
        """Save what is to be seen."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=file, animations="disabled")

    def size(self, width: int, height: int) -> None:
        """Change the size of the window."""
        self.page.set_viewport_size({"width": width, "height": height})

    def _note(self, message: ConsoleMessage) -> None:
        where = message.location.get("url", "")
        if message.type == "error" and "/airflow-provider-ops/" in where:
            self.complaints.append(f"{message.text} ({where})")


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the browser and stop it in the end."""
    path = find_browser()
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def window(running: Browser, url: str, user: str, password: str, theme: Theme) -> Iterator[Window]:
    """Open a window of its own and sign in."""
    context = running.new_context(
        viewport={"width": 1280, "height": 860}, color_scheme=theme, device_scale_factor=1.5, locale="en-GB"
    )
    context.set_default_timeout(PATIENCE)
    context.add_init_script(f"localStorage.setItem('theme', '{theme}'); localStorage.setItem('timezone', '\"{ZONE}\"')")
    page = context.new_page()
    made = Window(page, url, theme)
    page.on("console", made._note)  # noqa: SLF001 - its own
    page.on("pageerror", lambda error: made.complaints.append(str(error)))
    made.go("/")
    if page.locator("input[name=username]").count():
        page.fill("input[name=username]", user)
        page.fill("input[name=password]", password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda address: "login" not in address)
        page.wait_for_load_state("networkidle")
    try:
        yield made
    finally:
        context.close()
