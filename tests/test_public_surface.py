"""Names and arguments that users rely on change only on purpose."""

from __future__ import annotations

import difflib

from airflow_provider_ops.provider_info import PACKAGE
from dev import surface
from tests.old_airflow import needs_shared_streams


# earlier releases of Airflow lack some of the base classes
@needs_shared_streams
def test_the_public_names_and_their_arguments_are_the_recorded_ones() -> None:
    recorded = surface.FILE.read_text(encoding="utf-8").splitlines()
    found = surface.surface().splitlines()
    changes = "\n".join(difflib.unified_diff(recorded, found, "recorded", "found", lineterm="", n=2))
    assert not changes, (
        "the public names or their arguments have changed. If that is on purpose, run `make surface`, look at the "
        f"difference, and say in CHANGELOG.md what users have to do:\n{changes}"
    )


class _Base:
    shown: int

    def method(self, first: int, /, second: int = 2, *rest: int, z: int, a: int = 1, **more: int) -> None: ...

    @classmethod
    def made(cls, value: object = ()) -> None: ...

    @property
    def is_shown(self) -> bool:
        return True

    def _hidden(self) -> None: ...


def test_a_class_lists_its_public_members_and_no_values() -> None:
    _Base.__module__ = f"{PACKAGE}.made_up"

    assert "".join(surface._lines("Base", _Base, set())).splitlines() == [
        "  class Base",
        "    is_shown",
        "    made(value=)",
        "    method(first, /, second=, *rest, a=, z, **more)",
        "    shown",
    ]


def test_a_class_lists_only_what_it_adds_to_a_public_base() -> None:
    class Derived(_Base):
        def method(self, first: int) -> None: ...  # type: ignore[override]

        @classmethod
        def made(cls, value: object = 3) -> None: ...

    _Base.__module__ = Derived.__module__ = f"{PACKAGE}.made_up"

    assert "".join(surface._lines("Derived", Derived, {_Base})).splitlines() == [
        "  class Derived(_Base)",
        "    method(first)",
    ]
