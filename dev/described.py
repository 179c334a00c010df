"""What a connection must give, besides address and password, so that a spec works at a simulator."""

from __future__ import annotations

from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.auth import ClientCredentials

#: What stands for a value that a spec leaves to its user.
VALUE = "x1"


def variables_of(spec: ApiSpec) -> dict[str, str]:
    """Return a value for each variable."""
    return {name: one.default or VALUE for name, one in spec.variables.items()}


def auth_of(spec: ApiSpec) -> str:
    """Return the first way to log in that needs no other machine."""
    far = [one for one in spec.auth if isinstance(one, ClientCredentials) and not one.token_url.startswith("/")]
    return next(one.type for one in spec.auth if one not in far)
