"""The description of one API: :class:`ApiSpec`, the same in Python, YAML and JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator
from typing_extensions import Self

from airflow_provider_ops.exceptions import InvalidSpec, SpecProblem
from airflow_provider_ops.spec.description import Description
from airflow_provider_ops.spec.mistakes import mistakes_in, mistakes_in_parts
from airflow_provider_ops.spec.parts import SEVERAL, refuse
from airflow_provider_ops.spec.source import Source, read_source


class ApiSpec(Description):
    """The description of one API.

    In Python, mistakes are raised as ``pydantic.ValidationError``; see :meth:`from_yaml` for files.
    """

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        problems = mistakes_in(self)
        if problems:
            raise refuse(problems)
        return self

    @property
    def hash(self) -> str:
        """Return what differs between two specs that differ, 16 hexadecimal digits."""
        # without defaults, so that a key of a later release changes nothing
        return hashlib.sha256(self.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:16]

    @classmethod
    def from_yaml(cls, text_or_path: str | Path) -> ApiSpec:
        """Return the spec that a YAML or JSON text, or a file, describes.

        :param text_or_path: a text of one line that is no JSON is a path.
        :raises InvalidSpec: names line, key and remedy of every mistake.
        """
        return cls.from_source(read_source(text_or_path))

    @classmethod
    def from_source(cls, source: Source) -> ApiSpec:
        """As :meth:`from_yaml`, from what was read."""
        try:
            return cls.model_validate(source.data)
        except ValidationError as error:
            raise InvalidSpec(source.name, _problems(error, source)) from None


def _problems(error: ValidationError, source: Source) -> list[SpecProblem]:
    found = []
    for item in error.errors(include_url=False):
        loc = item["loc"]
        if item["type"] == SEVERAL:
            problems: Sequence[SpecProblem] = item["ctx"]["problems"]
            found += [SpecProblem((*loc, *one.place), one.message) for one in problems]
        else:
            found.append(SpecProblem(loc, _said(item)))
    found += mistakes_in_parts(source.data)
    placed = [one._replace(line=source.line_of(one.place), place=_in_file(one.place, source)) for one in found]
    return list(dict.fromkeys(placed))


def _in_file(place: Sequence[str | int], source: Source) -> tuple[str | int, ...]:
    """Return a place without the words that only pydantic knows."""
    value: Any = source.data
    shown: list[str | int] = []
    for part in place:
        is_key = isinstance(value, Mapping) and part in value
        if is_key or (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            shown.append(part)
            value = value[part]
    # a key that is missing is in no file
    if place and place[-1:] != tuple(shown[-1:]) and isinstance(value, Mapping) and isinstance(place[-1], str):
        shown.append(place[-1])
    return tuple(shown)


def _said(item: Mapping[str, Any]) -> str:
    """Return what pydantic says, as a sentence with a remedy."""
    key, value = item["loc"][-1] if item["loc"] else "spec", item.get("input")
    match item["type"]:
        case "value_error":
            return str(item["ctx"]["error"])
        case "missing":
            return f"{key!r} is missing: add it"
        case "model_type" | "model_attributes_type" | "dict_type" | "dict_attributes_type":
            return f"{value!r:.80} must be an object with keys: write 'key: value' below it"
        case "string_type" if isinstance(value, (dict, list)):
            return "must be a text: put one that begins with { or [ in quotes"
        case "tuple_type" | "list_type":
            return f"{value!r:.80} must be a list: write '- ' before each entry"
        case "literal_error" | "union_tag_invalid":
            facts = item["ctx"]
            return (
                f"{facts.get('tag', value)!r:.80} is not allowed: use {facts.get('expected_tags') or facts['expected']}"
            )
        case "float_parsing" | "int_parsing" | "float_type" | "int_type":
            return f"{value!r:.80} is no number: write one without a unit, like 5"
        case _:
            return f"{value!r:.80}: {item['msg'][:1].lower()}{item['msg'][1:]}"
