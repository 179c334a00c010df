"""The world of the operators, in which attempts live as well."""

from __future__ import annotations

from tests.operators.conftest import _operator_world, hook, operator_clock, world

__all__ = ["_operator_world", "hook", "operator_clock", "world"]
