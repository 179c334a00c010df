"""The gate for every declared value: it has the type that its field declares, or is refused by its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from enum import Enum
from typing import Any, get_origin

from typing_extensions import NotRequired, get_type_hints

from airflow_provider_ops.apis.calls import check_id, split_reference
from airflow_provider_ops.core.arguments import check_choice
from airflow_provider_ops.core.values import StandIn, as_list, described, is_list, is_list_text, object_as_text
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.operators.hints import (
    allowed_words,
    arms,
    in_words,
    is_known,
    is_optional,
    item_hint,
    shapes,
    takes_object,
    value_hint,
)

#: What no template and no result of another task is.
_FINAL = (bool, int, float, type(None), bytes, bytearray, date, timedelta)
_FLAGS: Mapping[str, bool] = {"True": True, "true": True, "False": False, "false": False}
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_MAY_BE_ABSENT: Any = NotRequired
#: Which account, and which operation: with what another task did not give, the task would do something else.
NEVER_LEFT_OUT = ("conn_id", "operation_id")


class Stage(Enum):
    """How much of a value is known."""

    #: As the DAG has it: templates and results of other tasks are known later.
    PARSED = 1
    #: As another task gave it to a mapped one, whose other arguments may still be templates.
    MAPPED = 2
    #: All of it is final.
    RENDERED = 3


def is_literal(value: object) -> bool:
    """Return whether ``value`` is final already: no template in it, no result of another task."""
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value
    if isinstance(value, Mapping):
        return all(is_literal(item) for item in value.values())
    if is_list(value):
        return all(is_literal(item) for item in value)
    return isinstance(value, _FINAL)


def gave_none(name: str) -> InvalidArgument:
    """Return the error for what another task was to give and did not."""
    return InvalidArgument(f"{name} is None: the task that was to give it gave None")


def fitted(name: str, value: Any, hint: Any, stage: Stage) -> Any:
    """Return ``value`` as its field declares it.

    What is rendered gets the declared type: text that stands for a number or a flag becomes one, and a number becomes
    text where only text may stand. JSON text is taken for the object that it stands for.

    :param name: what the value is called in messages.
    :param hint: what is declared.
    :raises InvalidArgument: names the field, or the part of it, and what may stand there.
    """
    if hint is Any or isinstance(value, StandIn) or (value is None and is_optional(hint)):
        return value
    if stage is not Stage.RENDERED and _may_change(value):
        return value
    if allowed := allowed_words(hint):
        return _word(name, value, allowed, stage)
    if value is None:
        raise InvalidArgument(f"{name} is None, and it has no default: give {in_words(hint)}")
    if isinstance(value, str):
        return _text(name, value, hint, stage)
    if isinstance(value, Mapping):
        return _object(name, value, hint, stage)
    if is_list(value):
        return _list(name, value, hint, stage)
    return _plain(name, value, hint, stage)


def check_declared(declared: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that do not have the type that is declared for them, as far as they are known.

    :raises InvalidArgument: names the argument and what may stand there.
    """
    for name in [name for name in declared if name in arguments]:
        fitted(name, arguments[name], declared[name], Stage.PARSED)


def _may_change(value: object) -> bool:
    """Return whether ``value`` as a whole is known later; an iterator can be read only once, which is later."""
    if isinstance(value, Iterator):
        return True
    return not (isinstance(value, Mapping) or is_list(value) or is_literal(value))


def _word(name: str, value: Any, allowed: tuple[Any, ...], stage: Stage) -> Any:
    if isinstance(value, str) and stage is not Stage.PARSED:
        value = next((word for word in allowed if str(word) == value.strip()), value)
    check_choice(name, value, allowed)
    return value


def _text(name: str, text: str, hint: Any, stage: Stage) -> Any:
    if str in arms(hint):
        _check_id(name, text, stage)
        return text
    stripped = text.strip()
    if (found := _reading(stripped, hint)) is not None:
        return text if stage is Stage.PARSED else found
    if takes_object(hint) and isinstance(found := _json(stripped), dict):
        return _object(name, found, hint, stage)
    if item_hint(hint) is not None and is_list_text(text):
        raise object_as_text(name, text)
    return _other(name, text, hint, stage)


def _reading(text: str, hint: Any) -> Any:
    """Return the word, flag or number that a text stands for; ``None`` where it stands for none."""
    for arm in arms(hint):
        found: Any = next((word for word in allowed_words(arm) if str(word) == text), None)
        if arm is bool:
            found = _FLAGS.get(text)
        elif arm is int and _WHOLE.fullmatch(text):
            found = int(text)
        if found is not None:
            return found
    return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _object(name: str, value: Mapping[Any, Any], hint: Any, stage: Stage) -> Any:
    declared = shapes(hint)
    if len(declared) == 1:
        return _shaped(name, value, declared[0], stage)
    if declared:
        return {key: _loosely(f"{name}.{key}", item, key, declared, stage) for key, item in value.items()}
    if (inner := value_hint(hint)) is not None:
        return {key: fitted(f"{name}.{key}", item, inner, stage) for key, item in value.items()}
    return _other(name, value, hint, stage)


def _shaped(name: str, value: Mapping[Any, Any], shape: Any, stage: Stage) -> dict[Any, Any]:
    hints = get_type_hints(shape, include_extras=True)
    optional = {part for part, hint in hints.items() if get_origin(hint) is _MAY_BE_ABSENT}
    for part in hints:
        if part not in value and part not in optional:
            raise InvalidArgument(f"{name} needs {part!r}: {dict(value)!r:.200} has none")
    plain = get_type_hints(shape)
    return {
        key: fitted(f"{name}.{key}", item, plain.get(key, Any), stage)
        for key, item in value.items()
        # what need not be there is left out by None, as a field is
        if item is not None or key not in optional or is_optional(plain[key])
    }


def _loosely(name: str, item: Any, key: Any, declared: list[Any], stage: Stage) -> Any:
    """Return a part of an object that may be one of several: which one, and what it may hold, is the API's to say."""
    for hint in [hints[key] for hints in map(get_type_hints, declared) if key in hints]:
        try:
            return fitted(name, item, hint, stage)
        except InvalidArgument:
            continue
    return item


def _list(name: str, value: Any, hint: Any, stage: Stage) -> Any:
    if (inner := item_hint(hint)) is None:
        return _other(name, value, hint, stage)
    return [fitted(f"{name}[{number}]", item, inner, stage) for number, item in enumerate(as_list(value))]


def _plain(name: str, value: Any, hint: Any, stage: Stage) -> Any:
    known = arms(hint)
    if any(value in allowed_words(arm) for arm in known):
        return value
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if (isinstance(value, bool) and bool in known) or (is_number and float in known):
        return value
    if is_number and int in known and isinstance(value, int):
        return value
    if is_number and str in known:
        found = value if stage is Stage.PARSED else str(value)
        _check_id(name, found, stage)
        return found
    return _other(name, value, hint, stage)


def _other(name: str, value: Any, hint: Any, stage: Stage) -> Any:
    if not is_known(hint):
        return value
    _check_id(name, value, stage)
    raise _misfit(name, value, hint)


def _check_id(name: str, value: object, stage: Stage) -> None:
    """Refuse what cannot be an id, where the name of the field says that it is one."""
    field = name.rpartition(".")[2].partition("[")[0]
    if field == "operation_id":
        # a rendered one is checked by its API, which may have ids of another form
        if stage is not Stage.RENDERED or not isinstance(value, str):
            split_reference(name, value)
    elif field.endswith("_id") and field != "conn_id":
        check_id(name, value)


def _misfit(name: str, value: Any, hint: Any) -> InvalidArgument:
    remedy = ""
    if (inner := item_hint(hint)) is not None and isinstance(value, Mapping) and takes_object(inner):
        remedy = ": write [{...}]"
    elif inner is not None and isinstance(value, str) and str in arms(inner):
        remedy = f": write [{value[:80]!r}]"
    elif takes_object(hint) and isinstance(value, str):
        remedy = ", and that is not the JSON of one"
    return InvalidArgument(f"{name} must be {in_words(hint)}, not {described(value)}{remedy}")
