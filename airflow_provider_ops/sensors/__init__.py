"""Sensors: wait for operations that were started elsewhere."""
