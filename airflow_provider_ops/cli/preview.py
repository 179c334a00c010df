"""``airflow operations preview``: what an operator would send, without sending anything."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

from airflow.cli.commands import task_command
from airflow.exceptions import DagRunNotFound, TaskInstanceNotFound
from airflow.utils.cli import get_bagged_dag, get_db_dag
from airflow.utils.session import create_session
from jinja2 import UndefinedError

from airflow_provider_ops.apis.base import Api
from airflow_provider_ops.apis.submits import Intent, SubmitCall
from airflow_provider_ops.cli.output import CommandError, Exit, command, echo, show
from airflow_provider_ops.cli.outputs import NO_RUN, PreviewTaskInstance, outputs_of_mapped_tasks
from airflow_provider_ops.core.gate import clean
from airflow_provider_ops.core.redaction import declared_redactor
from airflow_provider_ops.exceptions import OpsError
from airflow_provider_ops.hooks.base import OperationsHook
from airflow_provider_ops.lifecycle.worker_kill import policy_terminates
from airflow_provider_ops.operators.base import OperationOperator

#: Stands in for our mark, which is made when the request is sent. It has the form that APIs take.
_MARK = f"airflow-{'0' * 24}"
_MARK_SHOWN = "<made when it is submitted>"


@command
def preview(args: Any) -> Exit:
    """Print the request of a task, and what becomes of its operation."""
    # what DAG files print is not what was asked for
    with redirect_stdout(io.StringIO()):
        task = _rendered(args.dag_id, args.task_id, args.run_id, args.map_index)
    facts = _facts(task) if task.rendered_field("operation_id") is None else _adopted(task)
    if args.output in ("json", "yaml"):
        show([facts], args.output)
    else:
        rows = [
            (name, f"{value:g} s" if name == "timeout" and value is not None else value)
            for name, value in facts.items()
        ]
        show([{"fact": name, "value": value} for name, value in rows if value not in (None, {})], args.output)
    if NO_RUN in json.dumps(facts, default=str):
        echo(f"{NO_RUN}: stands for the run id, which only a run has; --run-id names one.")
    echo("Nothing was sent.")
    return Exit.OK


def _rendered(dag_id: str, task_id: str, run_id: str | None, map_index: int | None) -> OperationOperator:
    """Return the task with its templates rendered.

    :raises CommandError: there is no such task, or it submits nothing that is known before it runs.
    """
    try:
        dag = get_bagged_dag(None, dag_id)
    except Exception as error:
        raise CommandError(f"{error} `airflow dags list-import-errors` shows those that fail.") from error
    if task_id not in dag.task_dict:
        raise CommandError(f"DAG {dag_id} has no task {task_id}: it has {', '.join(sorted(dag.task_dict))}.")
    task = dag.get_task(task_id)
    kind = getattr(task, "operator_class", type(task))
    if not issubclass(kind, OperationOperator):
        raise CommandError(f"Task {task_id} is {_named(task)}, which submits no operation: name a task that does.")
    try:
        context = _context(dag_id, task, run_id or NO_RUN, map_index)
    except (DagRunNotFound, TaskInstanceNotFound) as error:
        raise CommandError(_not_in_run(dag_id, task, run_id, map_index)) from error
    _render(task, context, run_id)
    rendered: OperationOperator = context["task"]
    if hasattr(rendered, "python_callable"):
        raise CommandError(
            f"Only the function of task {task_id} knows what it asks for, and it is not called here: "
            "`airflow tasks test` calls it, and sends that."
        )
    return rendered


def _named(task: Any) -> str:
    """Return the name of an operator as DAG files have it, with its article: that of a decorator is ``@task``."""
    name = str(task.operator_name)
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _render(task: Any, context: Any, run_id: str | None) -> None:
    try:
        with outputs_of_mapped_tasks():
            task.render_template_fields(context)
    except OpsError:
        raise
    except UndefinedError as error:
        # a run without a logical date has no ds, for example, and none at all has what its conf gives
        hint = "name a run that has it with --run-id." if run_id is None else f"run {run_id} does not have it."
        raise CommandError(f"A template of task {task.task_id} cannot be rendered: {error}; {hint}") from error
    except Exception as error:
        # a function of the DAG file, in map(), meets a name where it takes an object
        hint = "name a run with --run-id that has" if run_id is None else f"choose a run that has, not {run_id},"
        raise CommandError(
            f"What task {task.task_id} is mapped over cannot be read ({type(error).__name__}: {error}): {hint} the "
            "output of the tasks before it."
        ) from error


def _not_in_run(dag_id: str, task: Any, run_id: str | None, map_index: int | None) -> str:
    instance = f"task {task.task_id}" + (f" with map index {map_index or 0}" if task.is_mapped else "")
    why = "it has none, or has not expanded the task yet" if task.is_mapped else "it has none"
    return (
        f"Run {run_id} of DAG {dag_id} has no {instance}: there is no such run, or {why}. `airflow tasks "
        f"states-for-dag-run {dag_id} {run_id}` shows what it has; without --run-id the output of other tasks is named."
    )


def _context(dag_id: str, task: Any, run_id: str, map_index: int | None) -> Any:
    """Return a context like that of ``airflow tasks render``."""
    from airflow.api_fastapi.execution_api.datamodels import taskinstance as models  # noqa: PLC0415 - slow

    index = (0 if map_index is None else map_index) if task.is_mapped else -1
    scheduled = get_db_dag(None, dag_id).get_task(task.task_id)
    ti, _ = task_command._get_ti(  # noqa: SLF001 - as `airflow tasks render`, which shows fields only
        scheduled, index, logical_date_or_run_id=run_id, create_if_necessary="memory" if run_id == NO_RUN else False
    )
    known = models.TaskInstance.model_validate(ti, from_attributes=True).model_dump(exclude_unset=True)
    with create_session() as session:
        if run_id != NO_RUN:
            # Airflow 3.1 has not read all that belongs to it
            session.add(ti.dag_run)
        run = models.DagRun.model_validate(ti.dag_run, from_attributes=True)
    server = models.TIRunContext(
        dag_run=run,
        max_tries=ti.max_tries,
        variables=[],
        connections=[],
        xcom_keys_to_clear=[],
    )
    private: Any = {"_ti_context_from_server": server}
    instance = PreviewTaskInstance.model_construct(**known, task=task, **private)
    return instance.get_template_context()


def _adopted(task: OperationOperator) -> dict[str, Any]:
    """Return the facts of a task that waits for an operation that exists."""
    hook = task.hook
    operation_id = task.rendered_field("operation_id")
    echo(f"Task {task.task_id} submits nothing: it waits for operation {operation_id}.")
    return {
        "task": f"{task.dag_id}.{task.task_id}",
        "connection": hook.conn_id,
        "api": hook.api.title,
        "operation_id": operation_id,
        # it was made elsewhere, so that no policy of this task deletes it
        "on_kill": _on_kill(task, hook, creates=False),
        "on_timeout": task.timeout_policy,
        "on_failure": task.failure_policy,
        "timeout": task.timeout,
    }


def _facts(task: OperationOperator) -> dict[str, Any]:
    hook, submit = task.hook, task.submit()
    base, extras = _connection(hook)
    request = hook.api.apply_connection_defaults(submit.request, extras)
    with_key = hook.api.with_idempotency_key(submit, _MARK)
    marked = hook.api.apply_connection_defaults(with_key.request, extras)
    conceal = declared_redactor(tuple(hook.api.concealed_in(request)))
    headers = {**dict.fromkeys(hook.api.authenticate("key"), f"<the key of {hook.conn_id}>"), **marked.headers}
    return {
        "task": f"{task.dag_id}.{task.task_id}",
        "connection": hook.conn_id,
        "api": hook.api.title,
        "kind": submit.kind or None,
        "method": request.method,
        "url": f"{base}{request.path}",
        "query": _without_mark(clean(dict(request.query), conceal)),
        "headers": _without_mark(clean(headers, conceal)),
        "body": _without_mark(clean(marked.json, conceal)),
        "mark": _mark(request, marked) or _search(hook.api, with_key),
        "on_kill": _on_kill(task, hook, creates=submit.creates),
        "on_timeout": task.timeout_policy,
        "on_failure": task.failure_policy,
        "timeout": hook.api.default_timeout(submit.kind) if task.timeout is None else task.timeout,
    }


def _connection(hook: OperationsHook) -> tuple[str, Mapping[str, Any]]:
    """Return base URL and extras of the connection; those of the API where it cannot be used."""
    try:
        settings = hook.settings()
    except OpsError as error:
        echo(f"The connection cannot be used as it is: {error}")
        return hook.api.base_url, {}
    return settings.base_url, settings.extras


def _mark(plain: Any, marked: Any) -> str | None:
    """Say by which mark a request can be found whose answer is lost; ``None`` where it carries none."""
    if marked.headers != plain.headers:
        return "idempotency key in the header: the same request sent again starts nothing new"
    if marked.json == plain.json:
        return None
    changed = [name for name in marked.json if marked.json.get(name) != (plain.json or {}).get(name)]
    return f"in {', '.join(changed)}: what a lost answer started is found by it"


def _search(api: Api, submit: SubmitCall) -> str:
    """Say how a request without a mark is found whose answer is lost: as an attempt would search for it."""
    if submit.request.idempotent:
        return "none, and none is needed: the same request sent again starts nothing new"
    if api.find_submitted(Intent(submit, _MARK)) is None:
        return "none: after a lost answer the task stops rather than send it again"
    if not submit.creates:
        return "by resource: what a lost answer started is found among the operations of its resource"
    body = submit.request.json
    if isinstance(body, Mapping) and body.get("name"):
        return f"by name: what a lost answer started is found by the name {body['name']}, if it is the only one"
    return "by search: what a lost answer started is found among what was started since"


def _without_mark(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str).replace(_MARK, _MARK_SHOWN))


def _on_kill(task: OperationOperator, hook: OperationsHook, *, creates: bool) -> str:
    policy: str | None = task.kill_policy
    if policy is None:
        policy = "cancel" if hook.api.can_cancel else "leave"
    if policy == "leave":
        return "leave: the operation continues"
    if policy_terminates(policy, hook.api, creates=creates):
        return f"{policy}: {'the operation is cancelled' if policy == 'cancel' else 'what it creates is deleted'}"
    why = f"{hook.api.title} cannot cancel" if policy == "cancel" else "it creates nothing"
    return f"{policy}: the operation continues, because {why}"
