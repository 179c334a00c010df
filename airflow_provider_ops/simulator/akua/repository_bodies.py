"""Bodies of Akua's repositories and change requests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator
from typing_extensions import Self

from airflow_provider_ops.simulator.akua.bodies import Id
from airflow_provider_ops.simulator.validation import Strict

Evidence = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class ResourceRef(Strict):
    """What a remediation is about."""

    resource: Annotated[str, Field(min_length=1, max_length=120)]
    id: Annotated[str, Field(min_length=1, max_length=200)]


class RemediationEvidence(Strict):
    """Why an agent wants a change."""

    summary: Evidence
    likely_fix: Evidence
    resource_refs: Annotated[list[ResourceRef], Field(min_length=1, max_length=20)]


class CreateChangeRequest(Strict):
    """Body of POST /repository_change_requests."""

    parent_repository_id: Id
    kind: Literal["user", "wizard", "agent"]
    expires_at_seconds: Annotated[int, Field(gt=0)] | None = None
    agent_id: Id | None = None
    remediation_evidence: RemediationEvidence | None = None

    @model_validator(mode="after")
    def _by_kind(self) -> Self:
        given = (self.agent_id is not None, self.remediation_evidence is not None)
        if given != (self.kind == "agent",) * 2:
            message = "agent_id and remediation_evidence go with the kind agent"
            raise ValueError(message)
        return self


class RejectChangeRequest(Strict):
    """Body of POST /repository_change_requests/{id}:reject."""

    rejection_reason: Evidence


class CreateForkToken(Strict):
    """Body of POST /repository_change_requests/{id}:createToken."""

    scope: Literal["read", "write"] = "write"
    expires_in_seconds: Annotated[int, Field(gt=0, le=3600)] = 3600


class CreateRepository(Strict):
    """Body of POST /repositories."""

    purpose: Literal["workspace"]


class CreateRepositoryToken(Strict):
    """Body of POST /repositories/{id}:createToken."""

    revoke_after_seconds: Annotated[int, Field(ge=60, le=3600)] = 3600
