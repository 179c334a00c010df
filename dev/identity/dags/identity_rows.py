"""A DAG for each row of `make identity` (Airflow searches for DAGs only in files that have its name in them)."""

from dev.identity.factory import dags

globals().update(dags())
