pytest_plugins = ["airflow_provider_ops.testing.airflow"]
