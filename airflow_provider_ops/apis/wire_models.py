"""The models of answers and errors, and how they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.exceptions import TransportError

M = TypeVar("M", bound=BaseModel)


class WireModel(BaseModel):
    """Base of all wire models: unknown fields are ignored, so that an API may grow under us."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error answer says.

    :param is_from_api: whether it has the API's own form. A proxy or gateway on the way answers in another one, and
        knows nothing about operations and resources.
    """

    code: str | None
    message: str
    is_from_api: bool = True


def read(model: type[M], data: Any) -> M:
    """Return ``data`` as a wire model.

    :raises TransportError: reason ``unreadable`` when required fields are missing or of another type.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise unreadable(model.__name__, error) from None


def unreadable(what: str, error: ValidationError) -> TransportError:
    """Return the error for an answer without the documented shape; it names fields, never their values."""
    problems = "; ".join(
        f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in error.errors(include_input=False)[:3]
    )
    return TransportError(f"the answer is no {what} as documented: {problems}", reason="unreadable")


def read_error(response: Response, find: Callable[[Any], tuple[Any, Any]]) -> ErrorBody:
    """Return code and message of an error answer.

    :param find: takes the parsed body, returns code and message; may fail on bodies it does not know
        (a proxy's page, nothing at all), which are then quoted by their beginning.
    """
    try:
        code, message = find(response.json())
    except (TransportError, KeyError, TypeError, AttributeError, IndexError, ValueError):
        code, message = None, None
    is_from_api = message is not None
    if not is_from_api:
        message = response.text(120) or "(no message)"
    return ErrorBody(None if code is None else str(code), str(message), is_from_api)
