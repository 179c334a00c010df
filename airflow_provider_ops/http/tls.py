"""TLS contexts: equal settings share one, because each reads hundreds of certificates."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache

import certifi

from airflow_provider_ops.exceptions import InvalidConnection

Verify = bool | str


def tls_context(verify: Verify) -> ssl.SSLContext:
    """Return the context for connections to an ``https`` origin.

    :param verify: whether certificates are checked; a file of certificates to check them with.
    :raises InvalidConnection: names the file that cannot be used, and where it is configured.
    """
    field = "verify"
    source, file, folder = _source(verify) or (field, certifi.where(), None)
    if isinstance(verify, str):
        source = field
    try:
        key_log = os.environ.get("SSLKEYLOGFILE")
        return _context(verify is not False, file, folder, _version(file), _version(folder), key_log)
    except (OSError, ValueError) as error:
        named = getattr(error, "filename", None)
        if named and named == os.environ.get("SSLKEYLOGFILE"):
            raise InvalidConnection(
                f"the environment variable SSLKEYLOGFILE names {named!r}, which cannot be written ({error}): "
                "unset it, or name a file that can"
            ) from None
        raise InvalidConnection(
            f"{source} names {file or folder!r}, which is no CA file ({error}): name a file of PEM certificates"
            + ("" if source == field else ", or unset it")
        ) from None


def plain_context() -> ssl.SSLContext:
    """Return a context for ``http`` origins, which never use it; it reads no certificates."""
    return _plain()


def _source(verify: Verify) -> tuple[str, str | None, str | None] | None:
    """Return where certificates come from when not from the package, and the file or folder, as httpx does it."""
    if not verify:
        return None
    if isinstance(verify, str):
        return "", verify, None
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if value := os.environ.get(name):
            source = f"the environment variable {name}"
            return (source, value, None) if name == "SSL_CERT_FILE" else (source, None, value)
    return None


def _version(path: str | None) -> tuple[int, int] | None:
    """Return what changes with a file, so that a renewed one is read again."""
    if path is None:
        return None
    found = os.stat(path)  # noqa: PTH116 - of the path as it is given
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=16)
def _context(check: bool, file: str | None, folder: str | None, *_versions: object) -> ssl.SSLContext:
    if check:
        return ssl.create_default_context(cafile=file, capath=folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@lru_cache(maxsize=1)
def _plain() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
