"""Imports point down only.

    operators, sensors, triggers, decorators, cli, view -> lifecycle -> hooks -> polling -> http -> apis -> core

The simulator stands beside all of it, and what Airflow reads in every process imports next to nothing.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ops.provider_info import connection_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PACKAGE = "airflow_provider_ops"
ROOT = Path(__file__).parents[1] / PACKAGE

#: From the ground up. What is not named here is one of Airflow's verbs and stands on top.
LAYERS = (
    # values and errors come through it, whoever makes them
    ("core.redaction", "core.gate"),
    ("", "operation", "exceptions", "provider_info", "metrics"),
    ("core",),
    ("spec",),
    ("specs",),
    ("apis",),
    ("http",),
    ("polling",),
    ("_compat", "tracing", "links", "lineage"),
    ("retry_policy", "hooks"),
    ("lifecycle",),
)
TOP = len(LAYERS)
#: What a layer may use from outside; not named: anything. The test below says why.
BANNED: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        ("", "operation", "exceptions", "metrics", "core", "spec", "specs", "apis"),
        frozenset({"airflow", "httpx", "asyncio"}),
    ),
    **dict.fromkeys(("http", "polling"), frozenset({"airflow"})),
    "provider_info": frozenset({"airflow", "httpx", "pydantic", "pendulum"}),
    "simulator": frozenset({"airflow", "httpx"}),
    "tracing": frozenset({"airflow", "httpx"}),
    # one module sends, so that another HTTP library would be a change in one layer
    **dict.fromkeys(
        ("hooks", "operators", "sensors", "triggers", "decorators", "retry_policy", "cli", "polling", "lifecycle"),
        frozenset({"httpx"}),
    ),
}

Import = tuple[str, int]


def module_of(file: Path) -> str:
    """The dotted name below the package: ``apis.lakesail.api``, empty for the package itself."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source: str, module: str, *, is_package: bool = False) -> Iterator[Import]:
    """All modules that a source imports, at whatever place in it, and the line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = [PACKAGE, *module.split(".")] if module else [PACKAGE]
                up = node.level - 1 if is_package else node.level
                base = ".".join([*package[: len(package) - up], *([base] if base else [])])
            # a name may be a module: `from airflow_provider_ops.apis import onvera`
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def top(module: str) -> str:
    return module.partition(".")[0]


def rank(module: str) -> int:
    return next((number for number, names in enumerate(LAYERS) if any(_is_in(module, name) for name in names)), TOP)


def _is_in(module: str, name: str) -> bool:
    """Whether a module, or a name in it, belongs to a part of the package; the empty name is the package itself."""
    return module == name or (bool(name) and module.startswith(f"{name}."))


def own(imported: str) -> str | None:
    """The part below our package of a module or name in it, ``None`` for what is not ours."""
    name, dot, rest = imported.partition(".")
    if name != PACKAGE:
        return None
    # a name of the package itself, like `__version__`
    return "" if not dot or rest.startswith("__") else rest


def breach(module: str, imported: str) -> str | None:
    """Why ``module`` must not import ``imported``, ``None`` when it may."""
    ours = own(imported)
    if ours is None:
        return f"{top(module) or PACKAGE} must do without {top(imported)}" if _is_banned(module, imported) else None
    if "simulator" in (top(module), top(ours)):
        # a spec is the documentation of its API
        reads_specs = top(module) == "simulator" and top(ours) in ("spec", "operation")
        uses_it = top(module) == "testing" and top(ours) == "simulator"
        allowed = top(module) == top(ours) or uses_it or reads_specs or not ours
        return (
            None if allowed else "the simulator speaks the APIs from their documentation alone, and only tests use it"
        )
    if rank(ours) > rank(module):
        return f"{ours} is above"
    return _sideways(module, ours)


#: What knows the HTTP library; another library would be a change here. The page speaks to Airflow itself with it.
HTTP = {"httpx": ("http.transport", "view.airflow_rest"), "httpcore": ("http.network",)}


def _is_banned(module: str, imported: str) -> bool:
    if (only := HTTP.get(top(imported))) is not None:
        return module not in only
    return top(imported) in BANNED.get(top(module), frozenset())


def api_of(module: str) -> str | None:
    """The API that a module is about, by its name: ``hooks.lakesail`` or ``apis.lakesail.api``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in connection_types() else None


def _sideways(module: str, ours: str) -> str | None:
    """A shared module knows no API, and an API knows no other: so a new one changes nothing outside its own files."""
    about, of = api_of(ours), api_of(module)
    return f"{about} belongs to one API only" if about is not None and about != of else None


def modules() -> list[tuple[Path, str]]:
    return [(file, module_of(file)) for file in sorted(ROOT.rglob("*.py"))]


@pytest.mark.parametrize(
    ("file", "module"), modules(), ids=lambda value: value or "package" if isinstance(value, str) else ""
)
def test_imports_point_down(file: Path, module: str) -> None:
    found = imports_of(file.read_text(encoding="utf-8"), module, is_package=file.name == "__init__.py")
    breaches = [f"line {line}: {name}: {why}" for name, line in found if (why := breach(module, name))]
    assert not breaches, "\n".join(breaches)


#: What stands below everything is no part of the folder it is in.
GROUND = LAYERS[0]


def room_of(module: str) -> str:
    """The folder, or the file beside the folders, that a module belongs to."""
    return "ground" if module in GROUND else top(module)


def needed_at_runtime(source: str) -> str:
    """A source without what only a type checker reads."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    return ast.unparse(tree)


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Each group of rooms that all reach each other."""
    reached = {room: _reachable(room, edges) for room in edges}
    groups = {tuple(sorted(other for other in reached[room] if room in reached.get(other, ()))) for room in edges}
    return [list(group) for group in sorted(groups) if group]


def _reachable(room: str, edges: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    todo = [room]
    while todo:
        for other in edges.get(todo.pop(), set()) - found:
            found.add(other)
            todo.append(other)
    return found


def edges_between(part_of: Callable[[str], str]) -> dict[str, set[str]]:
    names = {module for _, module in modules()}
    edges: dict[str, set[str]] = {}
    for file, module in modules():
        source = needed_at_runtime(file.read_text(encoding="utf-8"))
        for imported, _ in imports_of(source, module, is_package=file.name == "__init__.py"):
            ours = own(imported)
            if ours is None:
                continue
            # a name in a module, or a module
            target = ours if ours in names else ours.rpartition(".")[0]
            if part_of(target) != part_of(module):
                edges.setdefault(part_of(module), set()).add(part_of(target))
    return edges


@pytest.mark.parametrize("part_of", [room_of, str], ids=["folders", "modules"])
def test_there_are_no_circles(part_of: Callable[[str], str]) -> None:
    assert circles(edges_between(part_of)) == []


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_every_layer_exists() -> None:
    names = {name for _, module in modules() for name in (top(module), module)}
    assert {name for layer in LAYERS for name in layer} | set(BANNED) <= names


@pytest.mark.parametrize(
    ("module", "imported", "allowed"),
    [
        ("core.wait_state", "airflow_provider_ops.operation.Operation", True),
        ("core.wait_state", "airflow_provider_ops.apis.base.Api", False),
        ("apis.base", "airflow_provider_ops.http.blocking_client.BlockingClient", False),
        ("apis.onvera", "airflow_provider_ops.apis.lakesail.api", False),
        ("apis.base", "airflow_provider_ops.apis.onvera.API", False),
        ("apis.lakesail.api", "airflow_provider_ops.apis.lakesail.models", True),
        ("apis.base", "httpx.Client", False),
        ("http.transport", "httpx", True),
        ("http.settings", "httpx", False),
        ("http.blocking_client", "airflow.sdk.BaseHook", False),
        ("http.blocking_client", "airflow_provider_ops._compat.get_connection", False),
        ("hooks.base", "airflow_provider_ops.operators.base", False),
        ("hooks.lakesail", "airflow_provider_ops.apis.lakesail", True),
        ("operators.base", "airflow_provider_ops.triggers.operation.OperationTrigger", True),
        ("triggers.operation", "airflow_provider_ops.lifecycle.triggerer_reporter.TriggerReporter", True),
        ("lifecycle.worker_reporter", "airflow_provider_ops.operators.base.OperationOperator", False),
        ("operators.base", "airflow_provider_ops.hooks.onvera.OnveraHook", False),
        ("simulator.gateway", "airflow_provider_ops.http.blocking_client", False),
        ("simulator.gateway", "airflow_provider_ops.simulator.world.World", True),
        ("http.blocking_client", "airflow_provider_ops.simulator.world", False),
        ("testing", "airflow_provider_ops.simulator.world", True),
        ("exceptions", "airflow_provider_ops.core.gate.one_line", True),
        ("exceptions", "airflow_provider_ops.core.parsing.parse_json", False),
        ("core.gate", "airflow_provider_ops.exceptions.OpsError", False),
        ("spec.model", "airflow_provider_ops.operation.OperationState", True),
        ("spec.model", "airflow_provider_ops.apis.base.Api", False),
        ("provider_info", "airflow_provider_ops.__version__", True),
        ("provider_info", "airflow.sdk", False),
    ],
)
def test_the_rule_itself(module: str, imported: str, allowed: bool) -> None:
    assert (breach(module, imported) is None) is allowed


def test_relative_imports_are_understood() -> None:
    source = "from . import a\nfrom .b import c\nfrom ..world import World\nif 1:\n    import httpx.x as y\n"
    in_module = [name for name, _ in imports_of(source, "simulator.lake.api")]
    base = "airflow_provider_ops.simulator"
    assert in_module == [f"{base}.lake.a", f"{base}.lake.b.c", f"{base}.world.World", "httpx.x"]
    in_package = [name for name, _ in imports_of(source, "simulator.lake", is_package=True)]
    assert in_package == in_module
