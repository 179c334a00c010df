"""APIs that a spec describes: everything that an API must tell, read from an :class:`ApiSpec`."""

from airflow_provider_ops.apis.described.api import DescribedApi

__all__ = ["DescribedApi"]
