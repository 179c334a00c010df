"""The specs that this package brings: one YAML file for each API."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from airflow_provider_ops.spec import ApiSpec

_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Return the names of the specs in the catalogue."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.yaml")))


def file_of(name: str) -> Path:
    """Return the file of a spec in the catalogue."""
    return _FOLDER / f"{name}.yaml"


@cache
def load(name: str) -> ApiSpec:
    """Return a spec of the catalogue, read once."""
    return ApiSpec.from_yaml(file_of(name))
