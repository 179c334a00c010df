"""The API that a connection of type ``operations`` leads to."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_ops.apis.described.api import ApiOfSpec
from airflow_provider_ops.operation import Operation
from airflow_provider_ops.spec import ApiSpec


class DescribedApi(ApiOfSpec):
    """An API as the spec of its connection describes it.

    :param variables: values of the spec's ``variables``; those left out have their defaults.
    :param auth: type of authentication, default the first of the spec.
    :raises InvalidArgument: a variable is unknown, or has neither value nor default.
    """

    conn_type = "operations"
    hook_extras = ("api", "variables", "auth")
    replaces_base_url = True
    may_start_several = True
    unreadable_advice = (
        "Check that the connection's host is the API's; if it is, mend the spec, which says otherwise of its answers."
    )

    def __init__(self, spec: ApiSpec, variables: Mapping[str, str] | None = None, *, auth: str = "") -> None:
        super().__init__(spec, variables, auth=auth)
        self.spec_hash = spec.hash

    def explain_unknown_state(self, operation: Operation, *, listed: bool) -> str:
        """Say what the spec lists; warn where its pointer to the state finds nothing."""
        return self._reader.explain_unknown_state(operation, listed=listed)
