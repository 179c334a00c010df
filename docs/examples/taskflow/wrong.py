from airflow_provider_ops.decorators import task


@task.operation(conn_id="onvera_default")
def wrong() -> int:  # mypy: Value of type variable ... cannot be "int"
    return 7
