"""APIs that a spec describes: all that is known of such an API comes from its :class:`ApiSpec`."""

from airflow_provider_ops.apis.described.api import ApiOfSpec
from airflow_provider_ops.apis.described.connected import DescribedApi

__all__ = ["ApiOfSpec", "DescribedApi"]
