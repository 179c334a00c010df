"""What runs real Airflow from this checkout: the demo and the tests against a real stack. Not part of the package."""
