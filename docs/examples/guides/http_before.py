from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.http.sensors.http import HttpSensor
from airflow.sdk import DAG

with DAG("report_before", schedule="@daily") as dag:
    submit = HttpOperator(
        task_id="submit",
        http_conn_id="jobs_http",
        method="POST",
        endpoint="jobs",
        data='{"name": "report of {{ run_id }}"}',
        headers={"Content-Type": "application/json"},
        response_filter=lambda response: response.json()["operation"]["id"],
    )
    wait = HttpSensor(
        task_id="wait",
        http_conn_id="jobs_http",
        endpoint="operations/{{ ti.xcom_pull(task_ids='submit') }}",
        response_check=lambda response: response.json()["operation"]["status"] == "success",
        poke_interval=30,
        timeout=3600,
        mode="reschedule",
    )
    submit >> wait
