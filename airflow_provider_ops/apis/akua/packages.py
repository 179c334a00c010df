"""Calls about packages, products and repositories that answer with no operation, and their reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from typing_extensions import NotRequired

from airflow_provider_ops.apis.akua.calls import changing, keyed, nothing, reads_as
from airflow_provider_ops.apis.akua.install_models import Package, PackageVersion, Product, Repository
from airflow_provider_ops.apis.akua.schemas import body_of, listing_models, reading
from airflow_provider_ops.apis.calls import Call, Paged, Request, drop_none, path

RepositoryPurpose = Literal["deploy", "package", "repository_change_request", "workspace"]
View = Literal["basic", "full"]
PACKAGE = "/packages/{package_id}"
VERSION = f"{PACKAGE}/versions/{{version_id}}"
REPOSITORY = "/repositories/{repository_id}"


class NewVersion(TypedDict):
    """A version of a package that is published elsewhere: ``ref`` is normally the digest of the artifact."""

    semver: str
    ref: str
    input_schema: Mapping[str, Any]
    compatibility: NotRequired[Mapping[str, Any]]


class PublishedPackage(TypedDict):
    """A package that is published in a registry; ``oci_ref`` starts with ``oci://``."""

    name: str
    oci_ref: str
    version: NewVersion
    description: NotRequired[str | None]
    display_image_url: NotRequired[str]


def import_package(body: PublishedPackage | Mapping[str, Any], *, idempotency_key: str | None = None) -> Call[Package]:
    """``POST /packages:import``: the package, at once."""
    return keyed(changing("POST", "/packages:import", reads_as(Package), body), idempotency_key)


def create_package_version(
    package_id: str, body: NewVersion | Mapping[str, Any], *, idempotency_key: str | None = None
) -> Call[PackageVersion]:
    """``POST /packages/{package_id}/versions``: the version, at once. Sent once: only new servers take a key."""
    call = changing("POST", f"{PACKAGE}/versions", reads_as(PackageVersion), body, package_id=package_id)
    return keyed(call, idempotency_key).changed(idempotent=False)


def delete_package(package_id: str, *, etag: str, idempotency_key: str | None = None) -> Call[None]:
    """``DELETE /packages/{package_id}``: done when it answers."""
    return keyed(changing("DELETE", PACKAGE, nothing, etag=etag, package_id=package_id), idempotency_key)


def list_packages(*, view: View | None = None) -> Paged[Package]:
    """``GET /packages``, all pages."""
    return listing_models("/packages", Package, drop_none(view=view))


def get_package(package_id: str, *, view: View | None = None) -> Call[Package]:
    """``GET /packages/{package_id}``."""
    return reading(PACKAGE, Package, drop_none(view=view), package_id=package_id)


def list_package_versions(package_id: str) -> Paged[PackageVersion]:
    """``GET /packages/{package_id}/versions``, all pages."""
    return listing_models(f"{PACKAGE}/versions", PackageVersion, package_id=package_id)


def get_package_version(package_id: str, version_id: str) -> Call[PackageVersion]:
    """``GET /packages/{package_id}/versions/{version_id}``."""
    return reading(VERSION, PackageVersion, package_id=package_id, version_id=version_id)


def get_package_version_inputs(package_id: str, version_id: str) -> Call[Mapping[str, Any]]:
    """``GET /packages/{package_id}/versions/{version_id}/inputs``: the JSON Schema of ``initial_values``."""
    where = path(f"{VERSION}/inputs", package_id=package_id, version_id=version_id)
    return Call(Request("GET", where, f"{VERSION}/inputs"), body_of)


def list_products() -> Paged[Product]:
    """``GET /products``, all pages."""
    return listing_models("/products", Product)


def get_product(product_id: str) -> Call[Product]:
    """``GET /products/{product_id}``."""
    return reading("/products/{product_id}", Product, product_id=product_id)


def list_repositories(*, purpose: RepositoryPurpose | None = None) -> Paged[Repository]:
    """``GET /repositories``, all pages."""
    return listing_models("/repositories", Repository, drop_none(purpose=purpose))


def get_repository(repository_id: str) -> Call[Repository]:
    """``GET /repositories/{repository_id}``."""
    return reading(REPOSITORY, Repository, repository_id=repository_id)


def create_repository(
    *, purpose: Literal["workspace"] = "workspace", idempotency_key: str | None = None
) -> Call[Repository]:
    """``POST /repositories``: a repository to push the source of a package to; servers of September 2026 and later."""
    return keyed(changing("POST", "/repositories", reads_as(Repository), {"purpose": purpose}), idempotency_key)


def create_repository_token(
    repository_id: str, *, revoke_after_seconds: int | None = None, idempotency_key: str | None = None
) -> Call[Mapping[str, Any]]:
    """``POST /repositories/{repository_id}:createToken``: a write token, as it comes; servers as above.

    :param revoke_after_seconds: 60 to 3600.
    """
    body = drop_none(revoke_after_seconds=revoke_after_seconds) or None
    call: Call[Mapping[str, Any]] = changing(
        "POST", f"{REPOSITORY}:createToken", body_of, body, repository_id=repository_id
    )
    return keyed(call, idempotency_key)
