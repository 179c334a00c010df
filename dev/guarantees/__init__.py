"""`make guarantees`: real Airflow processes are killed at the worst moments, and what is left is counted."""
