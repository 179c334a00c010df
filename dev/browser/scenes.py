"""The tab *Operation* in every state, in light and dark: opened, checked, photographed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, FrameLocator

from dev.airflow_api import Run
from dev.browser.crowd import PARTS
from dev.browser.stage import API_KEY, NASTY, OUTAGE, PATIENCE, Stage, path_of
from dev.browser.visitors import VISITOR
from dev.browser.window import ZONE, Theme, Window, window
from dev.stack import USER

#: Characters of a page that an error shows.
_SHOWN: Final = 2000
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")


class SceneBroken(AssertionError):
    """The page does not show what it should."""


@dataclass(frozen=True)
class Scene:
    """One task instance in one state.

    :param texts: must be on the page.
    :param refused: status with which Airflow has to refuse what the page asks for.
    :param then: does something on the page, and checks more of it.
    """

    name: str
    run: Run
    task_id: str
    texts: tuple[str, ...]
    map_index: int = -1
    themes: tuple[Theme, ...] = THEMES
    height: int = 860
    user: str = USER
    refused: int | None = None
    then: Callable[[Window, FrameLocator], None] | None = None


def check_scene(scene: Scene, seen: Window, images: Path) -> None:
    """Open the page of a scene, check it and save its picture."""
    seen.size(1280, scene.height)
    frame = seen.operation(path_of(scene.run, scene.task_id, scene.map_index))
    text = frame.locator("body").inner_text()
    if missing := [wanted for wanted in scene.texts if wanted not in text]:
        raise SceneBroken(f"{scene.name} ({seen.theme}) does not show {missing}; it shows:\n{text[:_SHOWN]}")
    if frame.locator("html").get_attribute("data-theme") != seen.theme:
        raise SceneBroken(f"{scene.name}: the frame does not follow Airflow's {seen.theme} theme")
    if API_KEY in frame.locator("html").inner_html():
        raise SceneBroken(f"{scene.name}: the key is on the page")
    if violations := seen.violations():
        raise SceneBroken(f"{scene.name} ({seen.theme}) is not accessible: {violations}")
    if scene.refused is None and ZONE not in text and "Times are in" in text:
        raise SceneBroken(f"{scene.name}: the times are not in the zone that Airflow's user has picked, {ZONE}")
    if scene.then:
        scene.then(seen, frame)
    seen.picture(images / f"view-{scene.name}-{seen.theme}.png")
    if complaints := [
        text for text in seen.complaints if scene.refused is None or f"status of {scene.refused}" not in text
    ]:
        raise SceneBroken(f"{scene.name}: the browser complains: {complaints}")


def escaped(seen: Window, frame: FrameLocator) -> None:
    """Check that what the API says is shown as text, whatever it contains."""
    if "owned" in (seen.page.title(), frame.locator("title").inner_text()) or frame.locator("main img").count():
        raise SceneBroken("what the API says has become part of the page")


def filtered(seen: Window, frame: FrameLocator) -> None:
    """Among many a few can be picked out, and one can be opened."""
    rows = frame.locator("table.chart tbody tr")
    everything = rows.count()
    frame.get_by_role("button", name="1 failed").click()
    if not (rows.count() == 1 < everything):
        raise SceneBroken(f"the filter shows {rows.count()} of {everything} rows")
    frame.locator("button.pick").first.click()
    frame.locator(".picked h1").wait_for()
    frame.locator("button.pick").first.click()
    frame.get_by_role("button", name="1 failed").click()
    if rows.count() != everything:
        raise SceneBroken("the filter cannot be taken off again")
    reached_by_keys(seen, frame)


def reached_by_keys(seen: Window, frame: FrameLocator) -> None:
    """However many rows there are, the Tab key stops once at them, and arrow keys go through them."""
    stops = frame.locator("button.pick:not([tabindex='-1'])")
    if stops.count() != 1:
        raise SceneBroken(f"the Tab key stops at {stops.count()} rows")
    first = stops.get_attribute("data-key")
    stops.focus()
    seen.page.keyboard.press("ArrowDown")
    if stops.count() != 1 or stops.get_attribute("data-key") == first:
        raise SceneBroken("the arrow keys do not go to the next row")


def stays_as_it_is(seen: Window, frame: FrameLocator) -> None:
    """Check that nothing grows on a page of which the end is not known."""
    text = frame.locator("dl.facts").inner_text()
    seen.page.wait_for_timeout(2_500)
    if frame.locator("dl.facts").inner_text() != text:
        raise SceneBroken("a duration grows although nothing more is known")


def all_rows(_seen: Window, frame: FrameLocator) -> None:
    """However many rows there are, all are there, and the page itself stays short."""
    rows = frame.locator("table.chart tbody tr").count()
    if rows != PARTS:
        raise SceneBroken(f"{rows} of {PARTS} rows are shown")


def leads_out(seen: Window, frame: FrameLocator) -> None:
    """Check that the link to the console opens a window of its own, although the frame may open none."""
    with seen.page.context.expect_page(timeout=10_000) as opened:
        frame.get_by_role("link", name="Open in the console").click()
    address = opened.value.evaluate("() => location.href") if opened.value.url == "about:blank" else opened.value.url
    opened.value.close()
    if "akua.dev" not in address and not address.startswith(("chrome-error:", "about:")):
        raise SceneBroken(f"the link to the console leads to {address}")


class Gallery:
    """Takes the pictures of all scenes."""

    def __init__(self, stage: Stage, browser: Browser, images: Path) -> None:
        self._stage = stage
        self._browser = browser
        self._images = images

    def check(self, *scenes: Scene) -> None:
        """Check scenes in all their themes."""
        for theme, user in itertools.product(THEMES, dict.fromkeys(scene.user for scene in scenes)):
            wanted = [scene for scene in scenes if theme in scene.themes and scene.user == user]
            if wanted:
                with self.window(theme, user) as seen:
                    for scene in wanted:
                        check_scene(scene, seen, self._images)

    def window(self, theme: Theme = "light", user: str = USER) -> AbstractContextManager[Window]:
        """Open a window onto the stack."""
        stack = self._stage.stack
        return window(self._browser, stack.url, user, stack.password, theme)

    def play(self) -> None:
        """Play all scenes and check each one when it is in its state."""
        self._play_states()
        self._play_crowd_and_trouble()

    def _play_crowd_and_trouble(self) -> None:
        stage = self._stage
        parts, trouble = stage.start("view_parts"), stage.start("view_trouble")
        stage.wait_for(parts, "failing", "failed")
        self._until(parts, "going", lambda history: history["operation"]["progress"].get("done", 0) > PARTS // 2)
        self._until(trouble, "create", lambda history: history["is_stumbling"])
        ended = stage.start("view_many")
        killed, late, owed = stage.start("view_killed"), stage.start("view_timeout"), stage.start("view_owed")
        self._until(killed, "create", lambda history: bool(history["phases"]))
        self._until(owed, "create", lambda history: bool(history["phases"]))
        # a triggerer that has not begun the wait yet has nothing to stop
        stage.stack.wait_until(
            lambda: (stage.record(killed, "create") or {}).get("where") == "triggerer",
            "the triggerer to wait",
            PATIENCE,
        )
        stage.mark_failed(killed, "create")
        stage.mark_failed(owed, "create")
        stage.wait_for(ended, "wait", "deferred")
        stage.mark_failed(ended, "wait")
        stage.stack.wait_until(
            lambda: bool((stage.record(killed, "create") or {}).get("aftermath")), "the kill to be recorded", PATIENCE
        )
        stage.wait_for(late, "create", "failed")
        stage.stack.wait_until(lambda: stage.owes(owed, "create"), "the kill to be owed", PATIENCE)
        self.check(
            Scene("parts-running", parts, "going", ("network.provision", f"of {PARTS}", "1 running"), then=all_rows),
            Scene("parts-failed", parts, "failing", ("Quota of NAT gateways", "1 failed"), then=all_rows),
            Scene("trouble", trouble, "create", ("The API cannot be read at the moment", OUTAGE, "is not affected")),
            Scene(
                "killed",
                killed,
                "create",
                ("What is left", "marked failed", "on_kill=delete", "was asked for"),
                then=stays_as_it_is,
            ),
            Scene("killed-many", ended, "wait", ("The task ended before", "marked failed")),
            Scene(
                "owed",
                owed,
                "create",
                ("on_kill=delete was begun", "clear the task"),
                then=stays_as_it_is,
            ),
            Scene("timeout", late, "create", ("Deadline passed", "before the operation settled"), then=stays_as_it_is),
            Scene("forbidden", trouble, "create", ("Not allowed", "XComs"), user=VISITOR, refused=403),
        )

    def _play_states(self) -> None:
        stage = self._stage
        steps, phases = stage.start("view_steps"), stage.start("view_phases")
        many, failed = stage.start("view_many"), stage.start("view_failed")
        stage.wait_for(many, "wait", "deferred")
        self.check(Scene("many-running", many, "wait", ("200 operations",), themes=("light",)))
        second, mapped = stage.start("view_second_try"), stage.start("view_mapped")
        stage.wait_for(steps, "create", "deferred")
        self._until(phases, "create", lambda history: history["phases"][-1][2] == "provisioning_infrastructure")
        self.check(
            Scene("running", steps, "create", ("cluster.create", "Running", "Join region"), then=leads_out),
            Scene("phases", phases, "create", ("deployment.create", "Running", "provisioning_infrastructure")),
            Scene("empty", steps, "not_ours", ("No remote operation here",)),
        )
        stage.wait_for(failed, "create", "failed")
        stage.wait_for(failed, "nasty", "failed")
        stage.wait_for(many, "wait", "failed")
        stage.wait_for(second, "create", "success")
        stage.wait_for(mapped, "create", "success", map_index=1)
        self.check(
            Scene(
                "failed",
                failed,
                "create",
                ("Failed", "Quota of region", "Join region", "What is left", "on_failure=leave"),
            ),
            Scene("nasty", failed, "nasty", ("Failed", NASTY), then=escaped, themes=("light",)),
            Scene("many", many, "wait", ("200 operations", "1 failed", "Since the first start"), then=filtered),
            Scene(
                "mapped",
                mapped,
                "create",
                ("deployment.create", "has ended", "Open the resource"),
                map_index=1,
                themes=("light",),
            ),
            Scene("second-try", second, "create", ("try 2 of 2", "Succeeded", "Earlier tries", "No capacity")),
        )

    def _until(self, run: Run, task_id: str, there: Callable[[Mapping[str, Any]], bool]) -> None:
        """Wait until the record of a wait says so."""

        def is_recorded() -> bool:
            record = self._stage.record(run, task_id)
            return record is not None and there(record["operations"][0])

        self._stage.stack.wait_until(is_recorded, f"the record of {run.dag_id}.{task_id}", PATIENCE)
