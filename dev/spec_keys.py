"""`make docs/reference/spec-keys.md`: all keys of a spec, printed from its models, and a JSON schema for editors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic_core import PydanticUndefined

from airflow_provider_ops.spec import ApiSpec, auth, sections
from airflow_provider_ops.spec.parts import Part

DOCS: Final = Path(__file__).resolve().parent.parent / "docs" / "reference"
PAGE: Final = DOCS / "spec-keys.md"
SCHEMA: Final = DOCS / "spec.schema.json"

_HEAD: Final = """\
# All keys of a spec

Find a key, its default and its meaning, with an example of each section. To write a first spec, begin with [Describe
your API](../tutorial/describe-your-api.md). `make docs/reference/spec-keys.md` prints this page from the models.

For completion and checks in an editor, save the [JSON schema](spec.schema.json) beside your specs and begin each with:

```yaml
# yaml-language-server: $schema=spec.schema.json
```

A default of "-" means that the key may be left out and does nothing then; "required" that it must be there. Where
several expressions are allowed, the first that finds something counts, of `operation_id` all.

What a call leaves out is that of `submit`, and of the key of the same name at the top level. `null` in a call means
none.
"""
#: Title, model, what it is for, an example.
_SECTIONS: Final[tuple[tuple[str, type[Part], str], ...]] = (
    ("Top level", ApiSpec, "name: jobs\nbase_url: https://api.example.com/v1\nauth: bearer\ncheck: GET /me"),
    ("`variables`", sections.Variable, "variables:\n  project: {title: Project, default: main}"),
    ("`auth: api_key`", auth.ApiKey, "auth: {api_key: {in: header, name: X-API-Key}}"),
    (
        "`auth: oauth2_client_credentials`",
        auth.ClientCredentials,
        "auth: {oauth2_client_credentials: {token_url: /oauth/token, scopes: jobs.write}}",
    ),
    (
        "`auth: login`",
        auth.Login,
        'auth: {login: {request: POST /login, body: {user: "{login}", key: "{password}"}, token: $response.body#/key}}',
    ),
    ("`error`", sections.ErrorSpec, "error: {code: /error/code, message: /error/message}"),
    (
        "`submit`",
        sections.SubmitSpec,
        "submit: {operation_id: $response.body#/operation/id, http: {204: succeeded}, busy: {status: 423}}",
    ),
    ("`resource`", sections.ResourceSpec, "resource: {type: job, id: $response.body#/job/id}"),
    ("`busy` and `already`", sections.Refusal, "already: {status: 409, code: exists}"),
    ("`calls`", sections.CallSpec, "calls:\n  - {request: POST /jobs, kind: job.create, creates: job}"),
    ("`mark`", sections.MarkSpec, "mark: {in: header, name: Idempotency-Key, idempotent: true}"),
    ("`mark.repeat`", sections.Repeat, 'repeat: {query: {retry: "true"}}'),
    (
        "`find`",
        sections.FindSpec,
        'find: {request: "GET /jobs?label={mark}", entries: /jobs, match: /label, operation_id: /operation/id}',
    ),
    ("`find.all`", sections.AllSpec, "all: GET /jobs"),
    (
        "`lookup`",
        sections.LookupSpec,
        'lookup: {request: "GET /jobs/{resource_id}/operations", entries: /operations, operation_id: /id}',
    ),
    (
        "`operation`",
        sections.OperationSpec,
        "operation:\n  get: GET /operations/{operation_id}\n  id: /id\n  status: /status\n  states: {succeeded: ok}",
    ),
    (
        "`states`",
        sections.States,
        "states: {running: [active, null], succeeded: success, failed: error}",
    ),
    (
        "`verdict`",
        sections.Verdict,
        "states: {ended: done}\nverdict: {status: /error, states: {succeeded: null, failed: '*'}}",
    ),
    (
        "`lists`",
        sections.ListsSpec,
        'lists: {entries: /operations, order: newest, open: "GET /operations?open=true"}',
    ),
    ("`lists.by_ids`", sections.ByIds, 'by_ids: {request: "GET /operations?id={ids}", max: 50}'),
    ("`paging`", auth.Paging, "paging: {type: cursor, cursor_path: $response.body#/next, cursor_param: cursor}"),
    ("`wait`", sections.WaitSpec, 'wait: {request: "GET /operations/{operation_id}?wait={seconds:int}", max: 60}'),
    (
        "`result`",
        sections.ResultSpec,
        """\
# the answer that shows the operation has it already
result: {final_state_via: operation, value: $response.body#/operation/output}
# or a request of its own: {request: "GET /jobs/{resource_id}", value: /output}""",
    ),
    ("`poll`", sections.PollSpec, "poll: {delay: 2, max: 15}"),
    (
        "`budget`",
        sections.BudgetSpec,
        "budget: {requests_per_second: 5, ratelimit_remaining_header: X-Left, ratelimit_reset_header: X-Reset}",
    ),
)


def page() -> str:
    """Return the whole page."""
    return _HEAD + "".join(_section(*one) for one in _SECTIONS)


def schema() -> str:
    """Return the JSON schema of a spec."""
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ApiSpec.model_json_schema()}
    return json.dumps(made, indent=1, sort_keys=True) + "\n"


def _section(title: str, model: type[Part], example: str) -> str:
    rows = "".join(f"| `{name}` | {default} | {meaning} |\n" for name, default, meaning in _rows(model))
    return f"\n## {title}\n\n| key | default | meaning |\n|---|---|---|\n{rows}\n```yaml\n{example}\n```\n"


def _rows(model: type[Part]) -> Iterator[tuple[str, str, str]]:
    for name, info in model.model_fields.items():
        meaning = (
            (info.description or _MEANINGS.get(name, "")).replace("\n", " ").replace("``", "`").replace("|", "\\|")
        )
        yield info.alias or name, _default(name, info), meaning


def _default(name: str, info: Any) -> str:
    if name == "auth":
        return "`bearer`"
    if info.default_factory is not None or info.default in (None, (), ""):
        return "-"
    if info.default is PydanticUndefined:
        return "required"
    shown = str(info.default).lower() if isinstance(info.default, bool) else str(info.default)
    return f"`{shown}`"


#: Of keys that say enough to a reader of the code.
_MEANINGS: Final = {
    "docs_url": "Reference of the API.",
    "auth": "How the connection proves who it is: `none`, `bearer`, `api_key`, `http_basic`, "
    "`oauth2_client_credentials`, `login`, or a list of which the connection chooses one.",
    "error": "Where error answers, or failed operations, say what is wrong; default: RFC 9457 and common envelopes.",
    "code": "The API's own code.",
    "message": "The text for people.",
    "request_id": "Id of the request, for the support of the API.",
    "type": "The word in the heading.",
    "id": "Its id.",
    "status": "Which value, or which HTTP status.",
    "submit": "Defaults of all calls.",
    "mark": "Where our idempotency key goes; in a call `null` for none.",
    "find": "Shows what a submit with a lost answer has started.",
    "lookup": "Shows the operations of a resource.",
    "calls": "Known calls.",
    "operation": "How to read one operation.",
    "lists": "Lists of operations.",
    "paging": "How pages follow each other.",
    "wait": "A read that the API holds back.",
    "cancel": "The request that cancels, with `{operation_id}` or `{resource_id}`.",
    "delete": "The request that deletes what a create has made, with `{resource_id}`.",
    "result": "What is read after success.",
    "poll": "When to poll.",
    "budget": "How many requests the API takes.",
    "resource": "What an operation acts on.",
    "headers": "Headers to send.",
    "query": "Parameters to send.",
    "request": "`METHOD /path/{placeholder}?query={placeholder}`.",
    "body": "Sent as JSON.",
    "kind": "What is started, like `job.create`; chooses timeout and poll.",
    "timeout": "Seconds to wait for it.",
    "operation_id": "Where the entry names the operation.",
    "resource_id": "Where the entry names the resource.",
    "entries": "Where the entries are; default: the answer is the entry.",
    "match": "What must hold our key, or the resource.",
    "all": "The request that lists what carries a key of ours, for `sweep`.",
    "repeat": "Headers and parameters that go only with a repeated request.",
    "states": "The API's words for each state; `null` is no word, `*` any other.",
    "verdict": "Decides about what has `ended`.",
    "phase": "Which step it is in.",
    "steps": "A list of steps with their states.",
    "created_at": "RFC 3339, or epoch in seconds or milliseconds.",
    "started_at": "As `created_at`.",
    "updated_at": "As `created_at`.",
    "ended_at": "As `created_at`.",
    "pending": "Taken, and not begun.",
    "running": "Under way.",
    "succeeded": "Settled as succeeded.",
    "failed": "Settled as failed.",
    "cancelled": "Settled as cancelled.",
    "in_": "Where our key goes.",
    "by_ids": "A request that shows several operations by their ids.",
    "page_param": "Name of the parameter with the page.",
    "page_size_param": "Name of the parameter with the size of a page.",
    "limit_param": "Name of the parameter with the limit.",
    "offset_param": "Name of the parameter with the offset.",
    "limit_body_path": "Where the limit goes in a body.",
    "offset_body_path": "Where the offset goes in a body.",
    "cursor_param": "Name of the parameter with the cursor.",
    "cursor_body_path": "Where the cursor goes in a body.",
    "requests_per_second": "Requests per second of the connection.",
    "ratelimit_remaining_header": "Header with the requests that are left.",
    "ratelimit_reset_header": "Header that says when there will be more: seconds, epoch or date.",
    "title": "Name for people.",
}

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")
