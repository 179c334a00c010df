"""Checks in a real browser what this provider adds to Airflow's UI, and makes the pictures of the docs."""
