"""Reading what a wait depends on: what an operation says beside it must not hide it."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from airflow_provider_ops.apis.wire_models import unreadable

T = TypeVar("T")


class Lenient(Generic[T]):
    """Read a shape without the fields that are of another type than documented.

    Otherwise an API that changes the shape of its progress could not be read at all, and a wait would continue to its
    deadline although the operation has long succeeded.

    :param shape: a wire model, or a ``TypedDict`` where it is read so often that a model for each costs too much time.
    :param needed: names on the wire of fields that are never left out.
    """

    def __init__(self, shape: type[T], *needed: str) -> None:
        self._name = shape.__name__.removeprefix("_")
        self._needed = frozenset(needed)
        self._validate = TypeAdapter(shape).validator.validate_python

    def __call__(self, data: Any) -> T:
        """Return ``data`` in this shape.

        :raises TransportError: reason ``unreadable`` when a needed field is what cannot be read.
        """
        try:
            return self._validate(data)  # type: ignore[no-any-return]
        except ValidationError as error:
            odd = {item["loc"][0] for item in error.errors(include_input=False) if item["loc"]}
            if not isinstance(data, dict) or odd & self._needed:
                raise unreadable(self._name, error) from None
        try:
            return self._validate({name: value for name, value in data.items() if name not in odd})  # type: ignore[no-any-return]
        except ValidationError as error:
            raise unreadable(self._name, error) from None
