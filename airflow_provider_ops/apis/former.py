"""Models of answers that were plain JSON until their shape was published."""

from __future__ import annotations

import warnings
from typing import Any

from airflow_provider_ops.apis.wire_models import WireModel


class FormerMapping(WireModel):
    """A model that can still be read like the JSON it replaces, with a warning, for one release."""

    def __getitem__(self, name: str) -> Any:
        """Return a field as JSON.

        :raises KeyError: there is no such field.
        """
        message = f"{type(self).__name__} is no mapping any more: write .{name} instead of [{name!r}]"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return self.model_dump(mode="json")[name]
