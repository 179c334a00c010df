"""A page on the task instance in Airflow's UI that shows what the remote operation is doing, and what it did."""
