"""All keys of a spec, each checked by itself."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from airflow_provider_ops.spec.auth import Auths, Bearer, Paging, check_no_login
from airflow_provider_ops.spec.parts import Headers, Parameter, Part, Reads, RequestSpec, Seconds, TemplateText, Text
from airflow_provider_ops.spec.sections import (
    AllSpec,
    BudgetSpec,
    CallSpec,
    ErrorSpec,
    FindSpec,
    ListsSpec,
    LookupSpec,
    MarkSpec,
    OperationSpec,
    PollSpec,
    ResultSpec,
    SubmitSpec,
    Variable,
    WaitSpec,
)

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class Description(Part):
    """The keys of a spec; :class:`~airflow_provider_ops.spec.ApiSpec` also checks them together."""

    name: Text
    """The API's name everywhere."""
    title: Text = ""
    """Name for people; default: ``name``."""
    base_url: TemplateText
    """Address with scheme; may have variables. The connection's ``host`` replaces it whole."""
    docs_url: Text | None = None
    variables: dict[str, Variable] = Field(default_factory=dict)
    """What the connection fills in, in every request; never secret. A call whose path has ``{name}`` of one is sent
    only with its value there."""
    auth: Auths = (Bearer(),)
    headers: Headers = Field(default_factory=dict)
    """Sent with every call."""
    query: dict[str, Parameter] = Field(default_factory=dict)
    """Sent with every call."""
    check: RequestSpec | None = None
    """One cheap authenticated read, for the Test button; default: the first list of ``lists.open``."""
    error: ErrorSpec | None = None
    secrets: Reads = ()
    """What is never stored, logged or pushed: of answers, and of requests in texts from 4 characters on."""
    submit: SubmitSpec = Field(default_factory=SubmitSpec)
    mark: MarkSpec | None = None
    find: FindSpec | None = None
    lookup: LookupSpec | None = None
    calls: tuple[CallSpec, ...] = ()
    operation: OperationSpec
    lists: ListsSpec | None = None
    paging: Paging | None = None
    wait: WaitSpec | None = None
    cancel: RequestSpec | None = None
    delete: RequestSpec | None = None
    result: ResultSpec | None = None
    poll: PollSpec = Field(default_factory=PollSpec)
    budget: BudgetSpec | None = None
    timeouts: dict[str, Seconds] = Field(default_factory=dict)
    """Seconds to wait by the beginning of the kind; ``""`` for all others."""

    @field_validator("name")
    @classmethod
    def _is_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} must be small letters, digits, '-' and '_', beginning with a letter")
        return name

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        parts = urlsplit(url)
        check_no_login(parts.netloc)
        if parts.scheme not in ("https", "http") or not parts.netloc or parts.query or parts.fragment:
            raise ValueError(f"{url!r} must begin with https://, name a host and have no query")
        return url.rstrip("/")

    @property
    def shown_title(self) -> str:
        """Return the name for people."""
        return self.title or self.name

    def inherited(self, call: CallSpec | None, name: str) -> Any:
        """Return a part of a call: its own, be it none, else that of the spec, as of a call that the spec lacks."""
        return getattr(call if call is not None and call.has(name) else self, name)

    def paging_of(self, request: AllSpec | FindSpec | LookupSpec) -> Paging | None:
        """Return how the pages of a search follow each other: as it says itself, be it not at all, else as in lists."""
        return request.paging if request.has("paging") else self.paging

    def of_submit(self, call: CallSpec | None, name: str) -> Any:
        """Return what a call says about its answer, else what ``submit`` says, as of a call that the spec lacks."""
        return getattr(call if call is not None and call.has(name) else self.submit, name)
