"""The token of one client: asked for with the connection's login and password, renewed before it ends."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_ops import __version__
from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.calls import Response
from airflow_provider_ops.apis.tokens import Token, TokenCall
from airflow_provider_ops.core.gate import Redact
from airflow_provider_ops.core.redaction import redactor_of
from airflow_provider_ops.exceptions import AuthenticationError, RateLimited, TransportError
from airflow_provider_ops.http import responses
from airflow_provider_ops.http.clock import Clock
from airflow_provider_ops.http.network import Delivery
from airflow_provider_ops.http.settings import Settings
from airflow_provider_ops.http.transport import Transport, TransportFailed, build_request

#: A token is renewed so many seconds before its end, or this share of its life when that is less.
_EARLY, _SHARE = 60.0, 0.1
_OK, _NOT_OK = 200, 300
_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _TOO_MANY = 400, 401, 403, 429
_REFUSED = (_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN)


class Tokens:
    """Hold the token of a client; for an API that is sent the key itself, it does nothing.

    Whatever goes wrong here, the request that needs the token was not sent, and its errors say so.

    :param open_transport: opens connections to the origin of other settings.
    """

    def __init__(
        self, api: Api, clock: Clock, transport: Transport, open_transport: Callable[[Settings], Transport]
    ) -> None:
        self._api = api
        self._clock = clock
        self._transport = transport
        self._open_transport = open_transport
        self._elsewhere: Transport | None = None
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._renew_at = math.inf
        #: Whether the server wants the credentials in the form.
        self._in_form = False

    @property
    def value(self) -> str | None:
        """Return the token that is sent now, ``None`` where there is none."""
        return None if self._token is None else self._token.value

    def redact(self, settings: Settings, more: Sequence[str] = ()) -> Redact:
        """Return what takes key and token out of a text, and other secrets of a request."""
        tokens = () if self._token is None else (self._token.value,)
        return redactor_of(settings.key, *tokens, *more) if tokens or more else settings.redact

    def drop(self, refused: str | None) -> bool:
        """Give up a token that was refused; return whether another one may be tried."""
        if self._token is None or refused is None:
            return False
        if self._token.value == refused:
            self._token = None
        return True

    async def renew(self, settings: Settings) -> None:
        """Make sure that there is a token that does not end soon.

        :raises AuthenticationError: login or password is refused.
        :raises TransportError: no token can be had now.
        """
        if self._is_good() or self._api.token_call(settings.login, settings.key) is None:
            return
        async with self._lock:
            # thousands may have waited for the first to be done
            if not self._is_good():
                await self._fetch(settings)

    async def aclose(self) -> None:
        """Close the sockets to another origin."""
        if self._elsewhere is not None:
            await self._elsewhere.aclose()

    def _is_good(self) -> bool:
        return self._token is not None and self._clock.monotonic() < self._renew_at

    async def _fetch(self, settings: Settings) -> None:
        call = self._api.token_call(settings.login, settings.key)
        if call is None:
            return
        asked = self._clock.monotonic()
        if self._in_form and call.otherwise is not None:
            call = call.otherwise
        response = await self._exchange(call, settings)
        if response.status in (_BAD_REQUEST, _UNAUTHORIZED) and call.otherwise is not None:
            # RFC 6749 has two places for a client's credentials, and servers that know one of them
            call = call.otherwise
            response = await self._exchange(call, settings)
            self._in_form = _OK <= response.status < _NOT_OK
        if not _OK <= response.status < _NOT_OK:
            raise self._error(call, response)
        try:
            token = call.parse(response)
        except TransportError as error:
            # whatever it is, the request that needs the token was not sent
            what = f"no token: {call.request}: {error.what}"
            raise TransportError(what, reason=error.reason, maybe_executed=False) from None
        life = token.seconds
        self._renew_at = math.inf if life is None else asked + life - min(_EARLY, life * _SHARE)
        self._token = token

    async def _exchange(self, call: TokenCall, settings: Settings) -> Response:
        request = (
            self._api.apply_connection_defaults(call.request, settings.extras) if call.url is None else call.request
        )
        prepared = build_request(
            request.method,
            call.url or settings.base_url + request.path,
            query=request.query,
            json=request.json,
            form=call.form,
            headers={"user-agent": f"airflow-provider-ops/{__version__}", **request.headers},
            timeout=settings.timeout,
            read=settings.timeout,
        )
        try:
            # another machine takes real time, in which no virtual time may pass
            with self._clock.busy():
                status, headers, content = await self._transport_to(call, settings).exchange(
                    prepared, writes=True, total=2 * settings.timeout, delivery=Delivery(), before=lambda: None
                )
        except TransportFailed as failure:
            what = responses.transport_error(request, settings, failure).what
            raise TransportError(f"no token: {what}", reason="connect", maybe_executed=False) from None
        except TransportError as error:
            raise TransportError(f"no token: {request}: {error}", reason=error.reason, maybe_executed=False) from None
        return Response(status, headers, content, settings.redact)

    def _transport_to(self, call: TokenCall, settings: Settings) -> Transport:
        if call.url is None:
            return self._transport
        if self._elsewhere is None:
            parts = urlsplit(call.url)
            self._elsewhere = self._open_transport(replace(settings, base_url=f"{parts.scheme}://{parts.netloc}"))
        return self._elsewhere

    def _error(self, call: TokenCall, response: Response) -> AuthenticationError | RateLimited | TransportError:
        body = self._api.error(response)
        code, message = _oauth_error(response)
        what = code or body.code, message or body.message
        if response.status in _REFUSED:
            refused = AuthenticationError(response.status, *what, request=str(call.request))
            refused.advice = "Put a valid login and password into the connection; what asked for a token was not sent."
            return refused
        pause = responses.retry_after(response.headers, self._clock.time())
        if response.status == _TOO_MANY:
            return RateLimited(response.status, *what, retry_after=pause, request=str(call.request))
        said = f"no token: {call.request} was answered with HTTP {response.status}: {what[1]}"
        return TransportError(said, reason="connect", maybe_executed=False)


def _oauth_error(response: Response) -> tuple[str | None, str | None]:
    """Return code and message as RFC 6749 has them."""
    try:
        body: Any = response.json()
    except TransportError:
        return None, None
    if not isinstance(body, Mapping) or not isinstance(body.get("error"), str):
        return None, None
    described = body.get("error_description")
    return body["error"], described if isinstance(described, str) else body["error"]
