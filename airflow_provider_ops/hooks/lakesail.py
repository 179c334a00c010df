"""Hook of LakeSail (Spark-compatible compute)."""

from __future__ import annotations

from airflow_provider_ops.apis import lakesail
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.hooks.endpoint import endpoint, listing


class LakeSailHook(OperationsHook):
    """Call the documented part of the LakeSail platform API [docs.lakesail.com/platform], sync and async.

    ``get_operation`` and ``wait_for_operation`` take operation ids, and ``session:ID``, ``closed_session:ID``,
    ``notebook:ID`` and ``job_run:JOB.RUN`` for what is followed by its own status. LakeSail neither lists nor cancels
    operations. Create, describe, update, start and delete of sessions, notebooks and jobs are inferred from their
    summaries, see docs/reference/apis/lakesail.md.

    :param conn_id: Airflow connection of type ``lakesail``.
    """

    conn_type = "lakesail"
    default_conn_name = "lakesail_default"
    hook_name = "LakeSail"
    api = lakesail.API

    describe_operation, adescribe_operation = endpoint(lakesail.API.describe_operation)

    list_clusters, alist_clusters = listing(lakesail.list_clusters)
    list_networks, alist_networks = listing(lakesail.list_networks)
    list_connections, alist_connections = listing(lakesail.list_connections)
    list_connection_operations, alist_connection_operations = listing(lakesail.list_connection_operations)
    list_provider_networks, alist_provider_networks = listing(lakesail.list_provider_networks)
    list_permissions, alist_permissions = listing(lakesail.list_permissions)
    list_identity_provider_types, alist_identity_provider_types = listing(lakesail.list_identity_provider_types)

    list_sessions, alist_sessions = listing(lakesail.list_sessions)
    get_session, aget_session = endpoint(lakesail.get_session)
    create_session, acreate_session = endpoint(lakesail.create_session)
    close_session, aclose_session = endpoint(lakesail.close_session)
    create_session_token, acreate_session_token = endpoint(lakesail.create_session_token)

    list_notebooks, alist_notebooks = listing(lakesail.list_notebooks)
    get_notebook, aget_notebook = endpoint(lakesail.get_notebook)
    create_notebook, acreate_notebook = endpoint(lakesail.create_notebook)
    update_notebook, aupdate_notebook = endpoint(lakesail.update_notebook)
    start_notebook, astart_notebook = endpoint(lakesail.start_notebook)
    delete_notebook, adelete_notebook = endpoint(lakesail.delete_notebook)

    list_my_jobs, alist_my_jobs = listing(lakesail.list_my_jobs)
    list_jobs, alist_jobs = listing(lakesail.list_jobs)
    get_job, aget_job = endpoint(lakesail.get_job)
    create_job, acreate_job = endpoint(lakesail.create_job)
    update_job, aupdate_job = endpoint(lakesail.update_job)
    delete_job, adelete_job = endpoint(lakesail.delete_job)

    list_my_job_runs, alist_my_job_runs = listing(lakesail.list_my_job_runs)
    list_job_runs, alist_job_runs = listing(lakesail.list_job_runs)
    get_job_run, aget_job_run = endpoint(lakesail.get_job_run)
    create_job_run, acreate_job_run = endpoint(lakesail.create_job_run)
    ready_job_run, aready_job_run = endpoint(lakesail.ready_job_run)
    delete_job_run, adelete_job_run = endpoint(lakesail.delete_job_run)
