"""Holds client and simulator against what the vendors publish: `make conform CONTRACT=path`."""
