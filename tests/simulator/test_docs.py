"""`docs/reference/simulator.md` says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from airflow_provider_ops import testing
from airflow_provider_ops.simulator import control
from airflow_provider_ops.simulator.__main__ import _announce, _parser
from airflow_provider_ops.simulator.app import Simulator
from airflow_provider_ops.simulator.rules import FAULTS, Rule
from airflow_provider_ops.simulator.serve import Address, Service
from airflow_provider_ops.simulator.world import Settings

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "simulator.md").read_text(encoding="utf-8")
SIMULATOR = Simulator()


@pytest.mark.parametrize("api", list(SIMULATOR.apis))
def test_every_choice_is_in_the_table(api: str) -> None:
    missing = [k for k, v in SIMULATOR.apis[api].choices.items() if f"| {k} | {v} |\n" not in TEXT]
    assert missing == []


def test_every_fault_and_key_is_in_the_tables() -> None:
    rows = {match[1]: match[0] for match in re.finditer(r"^\| `(\w+)` \|.*$", TEXT, re.MULTILINE)}
    common = {field.alias or name for name, field in Rule.model_fields.items()}
    assert common <= set(rows)
    assert set(FAULTS) <= set(rows)
    for fault, model in FAULTS.items():
        own = {field.alias or name for name, field in model.model_fields.items()} - common - {"fault", "kind"}
        assert [key for key in own if f"`{key}`" not in rows[fault]] == [], fault


def test_the_plan_in_the_text_is_accepted() -> None:
    plans = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]
    assert [SIMULATOR.set_faults(plan) for plan in plans] == [5]


def test_every_helper_page_and_option_is_mentioned() -> None:
    helpers = [name for name in testing.__all__ if name[0].islower()]
    options = [option for action in _parser()._actions for option in action.option_strings if option[:2] == "--"]
    pages = [f"GET {path}" for path in control.PATHS if path != "/_control/reset"]
    wanted = [*helpers, *(set(options) - {"--help"}), *pages, "POST /_control/reset", "POST /_control/faults"]
    assert [word for word in wanted if word not in TEXT] == []


def test_the_line_that_it_prints_is_the_one_in_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service(Address("127.0.0.1", 0), Settings(), on_ready=_announce)
    _announce(service)
    service._socket.close()
    printed = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8099", capsys.readouterr().out)
    assert f"```\n{printed}```" in TEXT


def test_every_mount_is_mentioned() -> None:
    assert [api.mount for api in SIMULATOR.apis.values() if api.mount not in TEXT] == []
