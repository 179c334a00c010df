"""Apache Airflow provider for remote long-running operations: one create, one wait, nothing left behind silently."""

__version__ = "0.1.0"
