"""Upgrade and downgrade the provider under tasks that are under way."""
