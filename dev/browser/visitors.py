"""An auth manager with somebody in it who may see tasks, but not what they have handed on."""

from __future__ import annotations

from typing import Any, Final

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

#: May not read XComs, where the progress is kept.
VISITOR: Final = "visitor"


class Visitors(SimpleAuthManager):
    """Airflow's simple one, with less for the visitor."""

    def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        """Return whether the user may."""
        if user.get_name() == VISITOR and access_entity is not None and access_entity.value == "XCOM":
            return False
        allowed: bool = super().is_authorized_dag(
            method=method, user=user, access_entity=access_entity, details=details
        )
        return allowed
