"""Any API that a spec describes, simulated."""

from .api import simulated

__all__ = ["simulated"]
