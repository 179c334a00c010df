"""Sensors: waiting for operations that somebody else started."""
