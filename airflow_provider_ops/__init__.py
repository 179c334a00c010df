"""Apache Airflow provider for remote long-running operations: one create, one wait, nothing left behind silently."""

__version__ = "0.2.0.dev0"
