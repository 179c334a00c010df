"""The language in which any API with operations is described. No I/O beyond reading a file that was named."""

from airflow_provider_ops.spec.model import ApiSpec

__all__ = ["ApiSpec"]
