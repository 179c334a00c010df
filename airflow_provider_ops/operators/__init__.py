"""Operators: one class per call that starts an operation."""
