"""Clear, retry, loop and re-run tasks on a real Airflow, and count what they have created."""
