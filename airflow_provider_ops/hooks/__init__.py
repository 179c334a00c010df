"""Hooks: an Airflow connection turned into a typed client of one API."""
