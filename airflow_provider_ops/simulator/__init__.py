"""A simulator of the remote APIs: run it with `python -m airflow_provider_ops.simulator`.

It speaks the APIs from their documentation alone and imports nothing of the provider, least of all its client: a
mistake in the client must not be repeated here. In tests use it through `airflow_provider_ops.testing`.
"""
