"""Authentication and paging: the parts of a spec that come in types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator
from typing_extensions import Self

from airflow_provider_ops.spec.parts import (
    Json,
    Part,
    Read,
    RequestLine,
    RequestSpec,
    TemplateText,
    TemplateTexts,
    Text,
    check_header_name,
)


def check_no_login(netloc: str) -> None:
    """Check that an address has no user or password; neither may be repeated.

    :raises ValueError: it has.
    """
    if "@" in netloc:
        raise ValueError(
            "has a user or password: a spec is no place for secrets, put them into login and password of the connection"
        )


class NoAuth(Part):
    """No authentication."""

    type: Literal["none"] = "none"


class Bearer(Part):
    """``Authorization: Bearer`` with the connection's password."""

    type: Literal["bearer"] = "bearer"


class ApiKey(Part):
    """The connection's password in a header or query parameter."""

    type: Literal["api_key"] = "api_key"
    in_: Literal["header", "query"] = Field("header", alias="in")
    """Where the key goes."""
    name: Text
    """Name of the header or parameter."""
    prefix: Text = ""
    """Text before the key, like ``Token ``."""

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        if self.in_ == "header":
            check_header_name(self.name)
        return self


class HttpBasic(Part):
    """``Authorization: Basic`` with the connection's login and password."""

    type: Literal["http_basic"] = "http_basic"


class ClientCredentials(Part):
    """OAuth 2 client credentials: the connection's login is the client id, its password the secret."""

    type: Literal["oauth2_client_credentials"] = "oauth2_client_credentials"
    token_url: TemplateText
    """URL or path of the token endpoint; may have variables."""
    scopes: TemplateTexts = ()
    """Scopes to ask for; may have variables."""

    @field_validator("token_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        parts = urlsplit(url)
        check_no_login(parts.netloc)
        if not url.startswith("/") and (parts.scheme != "https" or not parts.hostname):
            raise ValueError(f"{url!r} must begin with https:// or be a path below base_url")
        return url


class Login(RequestSpec):
    """A request that turns login and password into a token; the only one that sees ``{login}`` and ``{password}``."""

    type: Literal["login"] = "login"
    request: RequestLine
    body: Json = None
    token: Read = "$response.body#/access_token"  # noqa: S105 - where it is
    """Where the answer has the token, which is sent as a bearer token."""


def _auth(value: Any) -> Any:
    """Read ``bearer`` and ``{api_key: {...}}`` as ``{type: ...}``."""
    if isinstance(value, str):
        value = {"type": str(value)}
    elif isinstance(value, Mapping) and len(value) == 1 and "type" not in value:
        ((name, options),) = value.items()
        if options is None or isinstance(options, Mapping):
            value = {"type": name, **(options or {})}
    return value


Auth = Annotated[
    Annotated[NoAuth | Bearer | ApiKey | HttpBasic | ClientCredentials | Login, Field(discriminator="type")],
    BeforeValidator(_auth, json_schema_input_type=str | dict[str, Any]),
]


def _auths(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


Auths = Annotated[tuple[Auth, ...], BeforeValidator(_auths, json_schema_input_type=str | dict[str, Any] | list[Any])]


class Paging(Part):
    """How the pages of a list follow each other; the names of the options are dlt's."""

    shorthand = "type"

    type: Literal["page_number", "offset", "cursor", "header_link", "json_link"]
    """``page_number``, ``offset``, ``cursor``, ``header_link`` or ``json_link``."""
    base_page: int = Field(1, ge=0, le=1)
    """Number of the first page."""
    page_param: Text = "page"
    page_body_path: Read | None = None
    """In the body of a request by POST, in place of ``page_param``."""
    page_size: int | None = Field(None, ge=1, le=100_000)
    """Entries to ask for; also ``limit`` of ``offset``."""
    page_size_param: Text | None = None
    limit: int | None = Field(None, ge=1, le=100_000)
    """Entries per page of ``offset``."""
    limit_param: Text = "limit"
    limit_body_path: Read | None = None
    offset_param: Text = "offset"
    offset_body_path: Read | None = None
    total_path: Read | None = None
    """Where the answer has the number of entries (``offset``) or of pages (``page_number``)."""
    cursor_path: Read | None = None
    """Where the answer has the next cursor."""
    cursor_param: Text | None = None
    cursor_body_path: Read | None = None
    next_url_path: Read | None = None
    """Where the answer has the address of the next page (``json_link``)."""
    links_next_key: Text = "next"
    """``rel`` of the link to the next page (``header_link``)."""
