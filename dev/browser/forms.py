"""The connection form of each type: filled in, saved, read back through REST, and tested where that is possible."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Response

from dev.browser.stage import API_KEY, Stage
from dev.browser.window import Window
from dev.simulator import APIS

#: What is typed into the fields that all types have. The switch is turned on by a click.
COMMON: Final[Mapping[str, str]] = {
    "verify": "true",
    "timeout": "10",
    "requests_per_second": "50",
    "proxy": "",
}
#: What is typed into the fields of one type: what the simulator knows.
OWN: Final[Mapping[str, Mapping[str, str]]] = {
    "nirvana": {"project_id": "123e4567-e89b-12d3-a456-426614174000", **APIS["nirvana"][1]},
    "akua": {"workspace_id": "ws_simulated", **APIS["akua"][1]},
}
#: What the UI of Airflow 3.3.2 shows for any stored connection without a port, whatever its type: it asks for port 0.
KNOWN_BAD: Final = "Bad Request"


class FormBroken(AssertionError):
    """The form does not do what its user means."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What pressing *Test Connection* came to."""

    status: int
    shown: str
    works: bool


def fill(window: Window, stage: Stage, api: str, picture: Path | None = None) -> None:
    """Fill the form of one type, save it, and compare what Airflow has stored with what was typed."""
    window.go("/connections")
    window.page.get_by_role("button", name=re.compile("Add Connection")).first.click()
    form = window.page.get_by_role("dialog")
    form.wait_for()
    host = stage.simulator.url + APIS[api][0]
    typed = {**COMMON, **OWN.get(api, {})}
    form.locator("input[name=connection_id]").fill(f"browser_{api}")
    _choose_type(window, form, api)
    form.locator("input[name=host]").fill(host)
    form.locator("input[name=password]").fill(API_KEY)
    _hidden(form, "schema", "login", "port")
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    _offers_what_there_is(form)
    for name, text in typed.items():
        field = form.locator(f"input[name=element_{name}]")
        field.wait_for()
        if text:
            field.fill(text)
    if picture:
        window.size(1280, 1560)
        form.locator("input[name=connection_id]").click()
        picture.parent.mkdir(parents=True, exist_ok=True)
        form.screenshot(path=picture, animations="disabled")
        window.size(1280, 860)
    form.get_by_role("button", name="Save").click()
    form.wait_for(state="detached")
    _compare(stage, f"browser_{api}", api, host, {name: text for name, text in typed.items() if text})


def _choose_type(window: Window, form: Locator, api: str) -> None:
    form.get_by_role("combobox").first.click()
    window.page.keyboard.type(api)
    window.page.get_by_role("option", name=re.compile(api, re.IGNORECASE)).first.click()


def _offers_what_there_is(form: Locator) -> None:
    form.locator("input[name=element_verify]").wait_for()
    for field in form.locator("input[placeholder*='see options']").all():
        if not form.locator(f"datalist[id='{field.get_attribute('list')}'] option").count():
            raise FormBroken(f"the form offers options for {field.get_attribute('name')}, which has none")


def _hidden(form: Locator, *names: str) -> None:
    for name in names:
        if form.locator(f"input[name={name}]").count():
            raise FormBroken(f"the form shows the field {name}, which has no meaning here")


def _compare(stage: Stage, conn_id: str, api: str, host: str, typed: Mapping[str, str]) -> None:
    stored = stage.stack.api.request("GET", f"/connections/{conn_id}")
    if (stored["conn_type"], stored["host"]) != (api, host):
        raise FormBroken(f"{conn_id}: stored as {stored['conn_type']} at {stored['host']}")
    if API_KEY in json.dumps(stored):
        raise FormBroken(f"{conn_id}: the key can be read back")
    extra: dict[str, Any] = json.loads(stored["extra"])
    # the proxy's name alone makes Airflow mask it
    different = {name: (text, extra.get(name)) for name, text in typed.items() if extra.get(name) not in (text, "***")}
    if different:
        raise FormBroken(f"{conn_id}: typed and stored differ: {different}")


def press_test(window: Window, conn_id: str, picture: Path | None = None) -> Tested:
    """Press the button in the list of connections, and return what the user sees."""
    answers: list[Response] = []
    # Playwright wants a function of its own to put a mark on
    window.page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108
    window.go("/connections")
    row = window.page.get_by_role("row").filter(has_text=conn_id)
    row.get_by_role("button", name="Test Connection").click()
    toast = window.page.locator("[data-scope=toast][data-part=root]").first
    shown = ""
    if toast.count() or _appears(toast):
        shown = " / ".join(toast.inner_text().split("\n"))
    if picture:
        window.page.mouse.move(5, 5)
        window.picture(picture)
    tested = [answer for answer in answers if answer.url.endswith("/connections/test")]
    if not tested:
        return Tested(0, shown, works=False)
    return Tested(tested[-1].status, shown, works=bool(tested[-1].ok and tested[-1].json()["status"]))


def _appears(toast: Locator) -> bool:
    from playwright.sync_api import TimeoutError as Late  # noqa: PLC0415 - shadows Python's

    try:
        toast.wait_for(timeout=8_000)
    except Late:
        return False
    return True


def check_test_button(window: Window, stage: Stage, api: str, picture: Path | None = None) -> str:
    """Press *Test Connection*; return what the docs have to say of it, raise what they must not.

    None of these connections has a port. What the form asks of the hook is then asked through REST, without the detour
    that fails, and the button is pressed once more for a connection that has a port.
    """
    window.size(1280, 640)
    pressed = press_test(window, f"browser_{api}", picture)
    window.size(1280, 860)
    if pressed.status == 400 and KNOWN_BAD not in pressed.shown:  # noqa: PLR2004
        raise FormBroken(f"{api}: the button fails in a way the docs do not describe: {pressed}")
    body = {"connection_id": f"browser_{api}", "host": stage.simulator.url + APIS[api][0], **_same(api)}
    answer = stage.stack.api.request("POST", "/connections/test", json=body)
    if not answer["status"] or API_KEY in answer["message"]:
        raise FormBroken(f"{api}: the connection cannot be tested through REST: {answer}")
    with_port = _press_with_port(window, stage, api)
    return (
        f"{api}: the button shows {pressed.shown!r} (HTTP {pressed.status}), REST says {answer['message']!r}; "
        f"with a port the button shows {with_port.shown!r} (HTTP {with_port.status})"
    )


def _same(api: str) -> dict[str, Any]:
    return {"conn_type": api, "password": API_KEY, "extra": json.dumps(OWN.get(api, {}))}


def _press_with_port(window: Window, stage: Stage, api: str) -> Tested:
    """Take the address apart, as a connection URI does: the detour of the UI does no harm to that."""
    conn_id, address = f"apart_{api}", urlsplit(stage.simulator.url + APIS[api][0])
    host = f"{address.scheme}://{address.hostname}"
    apart = {"host": host, "port": address.port, "schema": address.path.strip("/")}
    stage.stack.api.request("POST", "/connections", json={"connection_id": conn_id, **apart, **_same(api)})
    pressed = press_test(window, conn_id)
    if pressed.status != 200 or not pressed.works or API_KEY in pressed.shown:  # noqa: PLR2004
        raise FormBroken(f"{api}: a connection with a port cannot be tested with the button: {pressed}")
    return pressed
