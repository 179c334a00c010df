from datetime import timedelta

from airflow.sdk import DAG, ExceptionRetryPolicy, RetryRule

from airflow_provider_ops.operators.lakesail import LakeSailCreateJobRunOperator

with DAG(
    "retries",
    schedule=None,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
) as dag:
    # nothing to say: what cannot help is not tried again
    LakeSailCreateJobRunOperator(task_id="run", job_id="J0B1D2E3F4")

    # Airflow's plain retries, whatever the error
    LakeSailCreateJobRunOperator(
        task_id="run_anyway", job_id="J0B1D2E3F4", retry_policy=ExceptionRetryPolicy([])
    )

    # rules of your own; these classes are the provider's
    patient = RetryRule(
        "airflow_provider_ops.exceptions.RateLimited",
        retry_delay=timedelta(minutes=30),
        reason="busy hour",
    )
    LakeSailCreateJobRunOperator(
        task_id="run_patiently",
        job_id="J0B1D2E3F4",
        retry_policy=ExceptionRetryPolicy([patient]),
    )
