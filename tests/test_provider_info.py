"""What Airflow discovers is valid, complete and cheap."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, get_origin

import airflow
import jsonschema
import pytest
from airflow.sdk import BaseHook, BaseOperator, BaseOperatorLink, BaseSensorOperator

from airflow_provider_ops import __version__
from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.lookup import hook_for
from airflow_provider_ops.provider_info import connection_types, get_provider_info, hook_class_name, typed_apis
from tests.old_airflow import needs_connection_fields

INFO = get_provider_info()
SCHEMAS = Path(airflow.__file__).parent
TYPES: list[dict[str, Any]] = INFO["connection-types"]
SECTIONS = ("hooks", "operators", "sensors", "triggers")


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    return loaded


def test_it_is_valid() -> None:
    jsonschema.validate(INFO, schema("provider_info.schema.json"))


@pytest.mark.parametrize("section", [*SECTIONS, "connection-types", "extra-links", "config"])
def test_each_section_is_valid_by_the_strict_schema(section: str) -> None:
    strict = schema("provider.yaml.schema.json")
    # the rest of it is about providers in Airflow's own repository
    part = {"$schema": strict["$schema"], "definitions": strict["definitions"], **strict["properties"][section]}
    jsonschema.validate(INFO[section], part)


@needs_connection_fields
def test_the_strict_schema_would_notice() -> None:
    strict = schema("provider.yaml.schema.json")["properties"]["connection-types"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([{**TYPES[0], "ui-field-behaviour": {"hidden_fields": []}}], strict)


def test_it_is_json() -> None:
    assert json.loads(json.dumps(INFO)) == INFO
    assert INFO["versions"] == [__version__]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_module_can_be_imported_and_has_its_integration(section: str) -> None:
    integrations = {one["integration-name"] for one in INFO["integrations"]}
    for entry in INFO[section]:
        assert entry["integration-name"] in integrations
        for module in entry["python-modules"]:
            importlib.import_module(module)


def modules_with(package: str, base: type) -> set[str]:
    """The modules of a package that define public subclasses of ``base``; a package counts for what is in it."""
    found = set()
    package_module = importlib.import_module(package)
    for info in pkgutil.iter_modules(package_module.__path__, f"{package}."):
        module = importlib.import_module(info.name)
        # on Python 3.10 a parametrised generic passes for a class
        named = [value for name, value in vars(module).items() if name[0] != "_" and get_origin(value) is None]
        classes = [value for value in named if inspect.isclass(value)]
        if any(issubclass(one, base) and one.__module__.startswith(info.name) for one in classes):
            found.add(info.name)
    return found


def named(section: str) -> set[str]:
    return {module for entry in INFO[section] for module in entry["python-modules"]}


def test_no_hook_operator_or_sensor_is_forgotten() -> None:
    base = "airflow_provider_ops"
    assert modules_with(f"{base}.hooks", BaseHook) - {f"{base}.hooks.base"} == named("hooks")
    assert modules_with(f"{base}.sensors", BaseSensorOperator) == named("sensors")
    shared = {f"{base}.operators.{name}" for name in ("base", "mapping", "operation")}
    typed = modules_with(f"{base}.operators", BaseOperator) - shared
    assert typed <= named("operators")


#: What leads to any API, by what the connection says, has no API of its own.
TYPED = [entry for entry in TYPES if entry["connection-type"] in typed_apis()]


def test_the_type_for_specs_shows_what_chooses_the_api() -> None:
    (entry,) = [entry for entry in TYPES if entry not in TYPED]
    hook = pkgutil.resolve_name(entry["hook-class-name"])
    assert (entry["connection-type"], hook.conn_type) == ("operations", "operations")
    assert (hook.hook_name, hook.default_conn_name) == (entry["hook-name"], "operations_default")
    assert {*DescribedApi.hook_extras, "verify", "timeout", "requests_per_second", "proxy"} <= set(entry["conn-fields"])


@pytest.mark.parametrize("entry", TYPED, ids=lambda entry: str(entry["connection-type"]))
class TestConnectionType:
    def test_leads_to_a_hook_that_says_the_same(self, entry: dict[str, Any]) -> None:
        hook = pkgutil.resolve_name(entry["hook-class-name"])
        assert issubclass(hook, OperationsHook)
        assert (hook.conn_type, hook.hook_name) == (entry["connection-type"], entry["hook-name"])
        assert hook.default_conn_name == f"{entry['connection-type']}_default"
        assert hook_class_name(entry["connection-type"]) == entry["hook-class-name"]
        assert hook.api.name == entry["connection-type"]

    def test_shows_the_documented_address_and_every_extra(self, entry: dict[str, Any]) -> None:
        api: Api = pkgutil.resolve_name(entry["hook-class-name"]).api
        assert entry["ui-field-behaviour"]["placeholders"]["host"] == api.base_url
        assert set(api.extras) <= set(entry["conn-fields"])
        assert {"verify", "timeout", "requests_per_second", "proxy"} <= set(entry["conn-fields"])

    def test_every_field_may_be_left_out(self, entry: dict[str, Any]) -> None:
        for name, field in entry["conn-fields"].items():
            assert "null" in field["schema"]["type"], name
            assert "default" not in field["schema"] or field["schema"]["default"] is False

    def test_only_a_field_with_choices_offers_some(self, entry: dict[str, Any]) -> None:
        offered = {name: field["schema"].get("examples") for name, field in entry["conn-fields"].items()}
        assert {name for name, choices in offered.items() if choices is not None} == {"verify"}
        assert offered["verify"] == ["true", "false"]

    def test_works_with_nothing_but_a_key(self, entry: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        conn = json.dumps({"conn_type": entry["connection-type"], "password": "k"})
        monkeypatch.setenv("AIRFLOW_CONN_BARE", conn)
        hook = hook_for("bare")
        assert hook.settings().base_url == hook.api.base_url


def test_links_are_links() -> None:
    for name in INFO["extra-links"]:
        assert issubclass(pkgutil.resolve_name(name), BaseOperatorLink)


def test_discovering_it_imports_nothing_heavy() -> None:
    """In a fresh interpreter, since this one has imported everything."""
    code = (
        "import sys; from airflow_provider_ops.provider_info import get_provider_info; get_provider_info();"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    root = Path(__file__).parents[1]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "airflow_provider_ops" in loaded
    assert not loaded & {"airflow", "httpx", "pydantic", "pendulum", "asyncio", "starlette"}


def _installed() -> bool:
    try:
        distribution("airflow-provider-ops")
    except PackageNotFoundError:
        return False
    return True


@pytest.mark.skipif(not _installed(), reason="the distribution airflow-provider-ops is not installed")
def test_airflow_lists_it() -> None:
    from airflow.providers_manager import ProvidersManager  # noqa: PLC0415 - reads all providers

    manager = ProvidersManager()  # type: ignore[no-untyped-call]
    assert manager.providers["airflow-provider-ops"].version == __version__
    hooks = _hooks_known_to_airflow()
    for name in connection_types():
        found = hooks[name]
        assert found is not None
        assert (found.hook_class_name, found.package_name) == (hook_class_name(name), "airflow-provider-ops")
    assert set(INFO["extra-links"]) <= set(manager.extra_links_class_names)


@needs_connection_fields
@pytest.mark.skipif(not _installed(), reason="the distribution airflow-provider-ops is not installed")
def test_airflow_shows_our_fields_in_the_connection_form() -> None:
    from airflow.providers_manager import ProvidersManager  # noqa: PLC0415 - reads all providers

    manager = ProvidersManager()  # type: ignore[no-untyped-call]
    for name in connection_types():
        assert name in manager.field_behaviours
        assert {f"extra__{name}__verify", f"extra__{name}__timeout"} <= set(manager.connection_form_widgets)


def _hooks_known_to_airflow() -> Any:
    try:
        from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime  # noqa: PLC0415
    except ImportError:  # before Airflow 3.2 the one manager has all
        from airflow.providers_manager import ProvidersManager  # noqa: PLC0415

        return ProvidersManager().hooks  # type: ignore[no-untyped-call]
    return ProvidersManagerTaskRuntime().hooks  # type: ignore[no-untyped-call]
