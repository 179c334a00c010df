"""Who may call: keys, passwords, and tokens that are given for them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from airflow_provider_ops.simulator.api import Principal, Reply, read_key
from airflow_provider_ops.simulator.described.bodies import Answer, texts_in
from airflow_provider_ops.simulator.validation import Problem
from airflow_provider_ops.spec.auth import ApiKey, ClientCredentials, HttpBasic, Login, NoAuth
from airflow_provider_ops.spec.requests import parse_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_ops.simulator.api import Call
    from airflow_provider_ops.spec import ApiSpec

#: Seconds for which a token is good.
TOKEN_LIFE = 3600


class Access:
    """The ways of one spec to prove who calls; each of them will do.

    :param now: returns the time of the simulated world.
    :param new_token: returns a token that was not given before.
    """

    def __init__(self, spec: ApiSpec, now: Callable[[], float], new_token: Callable[[], str]) -> None:
        self._auths = spec.auth
        self._now = now
        self._new_token = new_token
        self._ends: dict[str, float] = {}
        lines = [one.request for one in spec.auth if isinstance(one, Login)]
        lines += [f"POST {one.token_url}" for one in spec.auth if isinstance(one, ClientCredentials)]
        self.token_lines = tuple(parse_line(line) for line in lines if " /" in line)

    def is_open(self, method: str, path: str) -> bool:
        """Return whether a request asks for a token."""
        return any(line.match(method, path) is not None for line in self.token_lines)

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return who calls.

        :raises Problem: the credentials are missing or refused.
        """
        said = "missing"
        for auth in self._auths:
            if isinstance(auth, NoAuth) or (isinstance(auth, ApiKey) and auth.in_ == "query"):
                return Principal()
            key = _key(auth, headers)
            verdict = self._verdict(auth, key) if key else "missing"
            if not isinstance(verdict, str):
                return verdict
            said = verdict if key else said
        raise Problem(f"API key {said}", kind="unauthenticated")

    def _verdict(self, auth: object, key: str) -> Principal | str:
        if not isinstance(auth, (ClientCredentials, Login)):
            return read_key(key)
        ends = self._ends.get(key)
        if ends is None:
            return "unknown"
        return Principal() if self._now() < ends else "expired"

    def give_token(self, call: Call) -> Reply:
        """Return a token, where login and password will do."""
        body = call.body.root if call.body is not None else {}
        given = [*texts_in(body), _password(call.headers.get("authorization", "").partition(" ")[2])]
        if any(isinstance(read_key(text), str) for text in given if text):
            raise Problem("login or password is wrong", kind="unauthenticated")
        token = self._new_token()
        self._ends[token] = self._now() + TOKEN_LIFE
        answer = Answer({"token_type": "Bearer", "expires_in": TOKEN_LIFE})
        login = next((one for one in self._auths if isinstance(one, Login)), None)
        answer.put((login.token if login is not None else "$response.body#/access_token",), token)
        answer.put(("$response.body#/access_token",), token)
        return Reply(200, answer.body, answer.headers)

    def revoke_tokens(self) -> None:
        """Let no token be good any more."""
        self._ends.clear()


def _key(auth: object, headers: Mapping[str, str]) -> str:
    name = auth.name.lower() if isinstance(auth, ApiKey) else "authorization"
    given = headers.get(name, "").strip()
    key = given.removeprefix(auth.prefix).strip() if isinstance(auth, ApiKey) else given.partition(" ")[2]
    if isinstance(auth, HttpBasic):
        return _password(key) if given.lower().startswith("basic ") else ""
    return key


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
