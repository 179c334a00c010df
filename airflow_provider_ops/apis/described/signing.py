"""How the requests of a described API prove who sends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from airflow_provider_ops.apis.calls import Request, Response
from airflow_provider_ops.apis.described.filling import Values, fill
from airflow_provider_ops.apis.described.reading import exchange_of
from airflow_provider_ops.apis.tokens import Token, TokenCall, basic, token_of
from airflow_provider_ops.exceptions import InvalidArgument
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.auth import ApiKey, ClientCredentials, HttpBasic, Login, NoAuth
from airflow_provider_ops.spec.parts import Part
from airflow_provider_ops.spec.templates import parse_template
from airflow_provider_ops.spec.values import find_first


class Signer:
    """One type of authentication of a spec.

    :param name: which; empty for the first.
    :raises InvalidArgument: the spec has none of this type.
    """

    def __init__(self, spec: ApiSpec, variables: Mapping[str, str], name: str) -> None:
        self._values = Values(variables)
        found = next((one for one in spec.auth if not name or one.type == name), None)
        if found is None:
            known = ", ".join(one.type for one in spec.auth)
            raise InvalidArgument(f"auth {name!r} is not known to the spec of {spec.shown_title}: use {known}")
        self._auth: Part = found

    @property
    def needs_key(self) -> bool:
        """Return whether a password is needed."""
        return not isinstance(self._auth, NoAuth)

    @property
    def refused_advice(self) -> str:
        """Return what to do about a 401; empty where the password is the key itself."""
        if isinstance(self._auth, HttpBasic):
            return "Put a valid login and password into the connection."
        if isinstance(self._auth, (Login, ClientCredentials)):
            return "The API refuses the token that it gave for them: check login and password of the connection."
        return ""

    def headers(self, key: str) -> dict[str, str]:
        """Return the header that carries a key or token."""
        auth = self._auth
        if isinstance(auth, ApiKey):
            return {auth.name: f"{auth.prefix}{key}"} if auth.in_ == "header" else {}
        return {} if isinstance(auth, NoAuth) else {"Authorization": f"Bearer {key}"}

    def sign(self, request: Request, login: str, key: str) -> Request:
        """Return a request with what proves who sends it."""
        auth = self._auth
        if isinstance(auth, ApiKey) and auth.in_ == "query":
            return replace(request, query={**request.query, auth.name: f"{auth.prefix}{key}"})
        proof = {"Authorization": basic(login, key)} if isinstance(auth, HttpBasic) else self.headers(key)
        return replace(request, headers={**proof, **request.headers})

    def token_call(self, login: str, key: str) -> TokenCall | None:
        """Return the request for a token, ``None`` where key or password are sent themselves."""
        auth = self._auth
        if isinstance(auth, Login):
            request = fill(auth, self._values.having(login=login, password=key))
            return TokenCall(request, lambda answer: _read(answer, auth.token))
        return self._client_credentials(auth, login, key) if isinstance(auth, ClientCredentials) else None

    def _client_credentials(self, auth: ClientCredentials, login: str, key: str) -> TokenCall:
        address = self._filled(auth.token_url)
        url = None if address.startswith("/") else address
        path = address if url is None else auth.token_url
        form = {"grant_type": "client_credentials"}
        if auth.scopes:
            form["scope"] = " ".join(map(self._filled, auth.scopes))
        asking = TokenCall(
            Request("POST", path, path, headers={"Authorization": basic(login, key)}),
            lambda answer: _read(answer, "$response.body#/access_token"),
            url,
            form,
        )
        in_form = {**form, "client_id": login, "client_secret": key}
        return replace(asking, otherwise=replace(asking, request=Request("POST", path, path), form=in_form))

    def _filled(self, text: str) -> str:
        return parse_template(text).fill(self._values.look_up)


def _read(response: Response, place: str) -> Token:
    exchange = exchange_of(response)
    return token_of(find_first((place,), exchange, exchange.response_body), exchange.response_body)
