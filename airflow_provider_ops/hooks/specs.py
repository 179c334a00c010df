"""Which specs are registered: files of a folder, entry points of installed packages, and our own catalogue."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from airflow_provider_ops import specs
from airflow_provider_ops._compat import conf
from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.exceptions import InvalidArgument, InvalidConnection
from airflow_provider_ops.provider_info import typed_apis
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.nearest import nearest
from airflow_provider_ops.spec.source import Source

ENTRY_POINTS = "airflow_provider_ops.specs"


@dataclass(frozen=True, slots=True)
class Registered:
    """One registered spec.

    :param source: where it comes from, for people.
    :param load: reads it.
    """

    name: str
    source: str
    load: Callable[[], ApiSpec]


def registered() -> dict[str, Registered]:
    """Return all registered specs by name; a file of the folder wins over an entry point, that over the catalogue."""
    found: dict[str, Registered] = {}
    for one in (*_in_folder(), *_in_packages(), *_in_catalogue()):
        if one.name not in typed_apis():
            found.setdefault(one.name, one)
    return found


def specs_folder() -> Path:
    """Return the folder whose files are registered."""
    given = str(conf.get("operations", "specs_folder", fallback="") or "")
    home = os.environ.get("AIRFLOW_HOME", "~/airflow")
    return Path(given or f"{home}/operations").expanduser()


def find_spec(given: object) -> ApiSpec:
    """Return the spec that a connection names, or that it is.

    :param given: a registered name, or the spec as YAML, JSON or an object.
    :raises InvalidArgument: there is no such spec, or it cannot be used.
    """
    if isinstance(given, Mapping):
        spec = ApiSpec.from_source(Source(dict(given)))
    elif isinstance(given, str) and ("\n" in given.strip() or given.lstrip().startswith("{")):
        spec = ApiSpec.from_yaml(given)
    else:
        return _named(str(given or "").strip())
    if spec.name in typed_apis():
        raise InvalidArgument(
            f"the spec has the name {spec.name!r}, which is a connection type: use that, or rename it"
        )
    return spec


def api_of(conn_id: str, extra: Mapping[str, Any]) -> DescribedApi:
    """Return the API that a connection of type ``operations`` leads to.

    :raises InvalidConnection: it names no usable spec, or its variables are wrong.
    """
    try:
        spec = find_spec(extra.get("api"))
        return DescribedApi(spec, _variables(extra.get("variables")), auth=str(extra.get("auth") or ""))
    except InvalidArgument as error:
        raise InvalidConnection(f"connection {conn_id!r} cannot be used: {error}") from None


def _variables(given: object) -> dict[str, str]:
    if given is None or given == "":
        return {}
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise InvalidArgument('variables is no JSON: write {"name": "value"}') from None
    if not isinstance(given, Mapping):
        raise InvalidArgument('variables must be an object: write {"name": "value"}')
    return {str(name): value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}


def _named(name: str) -> ApiSpec:
    known = registered()
    if name in known:
        return known[name].load()
    near = nearest(name, known) if name else None
    meant = f"did you mean {near!r}?" if near else f"registered are {', '.join(sorted(known)) or 'none'}."
    if not name:
        raise InvalidArgument(f"it names no API: put the name of a spec, or the spec itself, into 'api'; {meant}")
    raise InvalidArgument(f"no spec {name!r} is registered: {meant} Files of your own belong into {specs_folder()}")


def _in_folder() -> Iterator[Registered]:
    try:
        files = sorted(specs_folder().glob("*.yaml"))
    except OSError:
        return
    for file in files:
        yield Registered(file.stem, str(file), lambda file=file: _read(file))  # type: ignore[misc]


def _read(file: Path) -> ApiSpec:
    try:
        changed = file.stat().st_mtime_ns
    except OSError as error:
        raise InvalidArgument(f"the spec {file} cannot be read: {error.strerror}") from None
    spec = _read_once(file, changed)
    if spec.name != file.stem:
        raise InvalidArgument(f"the spec in {file} has the name {spec.name!r}: name the file {spec.name}.yaml")
    return spec


@lru_cache(maxsize=128)
def _read_once(file: Path, _changed: int) -> ApiSpec:
    return ApiSpec.from_yaml(file)


def _in_packages() -> Iterator[Registered]:
    for point in entry_points(group=ENTRY_POINTS):
        source = f"entry point {point.value}"
        yield Registered(point.name, source, lambda point=point: _loaded(point))  # type: ignore[misc]


def _loaded(point: Any) -> ApiSpec:
    value = point.load()
    value = value() if callable(value) and not isinstance(value, type) else value
    spec = value if isinstance(value, ApiSpec) else ApiSpec.from_yaml(value)
    if spec.name != point.name:
        raise InvalidArgument(
            f"entry point {point.value} is named {point.name!r}, but its spec has the name {spec.name!r}"
        )
    return spec


def _in_catalogue() -> Iterator[Registered]:
    for name in specs.names():
        yield Registered(name, "catalogue of this provider", lambda name=name: specs.load(name))  # type: ignore[misc]
