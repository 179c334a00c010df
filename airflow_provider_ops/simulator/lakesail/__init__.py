"""The simulated LakeSail: infrastructure that shows operations, workloads that have a status of their own."""

from .api import LakeSail

__all__ = ["LakeSail"]
