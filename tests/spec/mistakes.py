"""Specs with one mistake each, by what is wrong in them; ``tests/messages/table.md`` has what is said of each."""

from __future__ import annotations

from tests.spec.examples import JOBS

RESTART = "  - request: POST /jobs/{job}/restart\n    kind: job.restart\n"
PAGING = "type: cursor, cursor_path: $response.body#/next, cursor_param: cursor, page_size: 100"
_GET = "get: GET /operations/{operation_id}"
_KEY = "in: body, name: /labels/airflow, max: 63"
_STATUS = "status: /status"
_RUNNING = "    running: [active]"
_ID = "  id: /id\n  kind"
_WAIT = "/wait?timeout={seconds:int}"
_BUSY = "  busy: {status: 423}"
_SECRETS = "secrets: [$response.body#/job/password]"
_SUBMIT = "submit:\n  operation_id: [$response.body#/operation/id, $response.body#/next/*/id]\n"
CALLS = JOBS[JOBS.index("calls:\n") : JOBS.index("operation:\n  get")]
_VERDICT = "  status: /status\n  verdict: {status: /e, states: "


def seeded(*edits: tuple[str, str]) -> str:
    """Return the example with a text in place of another."""
    text = JOBS
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


#: What is wrong: old text, new text.
MISTAKES: dict[str, tuple[str, str]] = {
    "A field without its slash": (_STATUS, "status: status"),
    "JSONPath": (_STATUS, "status: $.status"),
    "A body that is read by dots": (_STATUS, "status: $response.body.status"),
    "A body that is read without #": (_STATUS, "status: $response.body/status"),
    "A pointer without its slash": (_STATUS, "status: $response.body#status"),
    "A pointer that ends in a slash": (_ID, "  id: /id/\n  kind"),
    "A pointer with a tilde": (_ID, "  id: /a~2b\n  kind"),
    "A pointer with too many parts": (_ID, f"  id: {'/a' * 40}\n  kind"),
    "An expression that is too long": (_ID, f"  id: /{'a' * 1100}\n  kind"),
    "An expression with a misspelt source": (_ID, "  id: $responce.body#/id\n  kind"),
    "An expression with a part that an answer does not have": (_ID, "  id: $response.query.id\n  kind"),
    "An expression with a misspelt part": (_ID, "  id: $response.headers.location\n  kind"),
    "An expression that names no header": (_ID, "  id: $response.header.\n  kind"),
    "A status code with parts": (_ID, "  id: $statusCode.x\n  kind"),
    "A name in braces where an expression belongs": (_ID, '  id: "jobs/{job}"\n  kind'),
    "The id is read from the submit": (_ID, "  id: $request.body#/id\n  kind"),
    "A time is read from the submit": ("  created_at: /created", "  created_at: $request.header.date"),
    "A resource is read from the submit": ("{type: job, id: /job_id}", "{type: job, id: $request.path.job}"),
    "A misspelt placeholder": (_GET, "get: GET /operations/{operaton_id}"),
    "A read without the id": (_GET, "get: GET /operations"),
    "No request reads one operation": (f"  {_GET}\n", ""),
    "A read that deletes": (_GET, "get: DELETE /operations/{operation_id}"),
    "A misspelt method": (_GET, "get: GTE /operations/{operation_id}"),
    "A request without method": (_GET, "get: /operations/{operation_id}"),
    "A path without its slash": (_GET, "get: GET operations/{operation_id}"),
    "A request that names a host": (_GET, "get: GET https://a.b/{operation_id}"),
    "A path that leaves the API": (_GET, "get: GET /../{operation_id}"),
    "A path with a fragment": (_GET, "get: GET /operations/{operation_id}#x"),
    "A placeholder with a space in it": (_GET, "get: GET /operations/{operation id}"),
    "Two wide placeholders": (_GET, "get: GET /{+operation_id}/{+operation_id}"),
    "A placeholder of a shell": (_GET, "get: GET /operations/${operation_id}"),
    "A placeholder without quotes": ('X-Project: "{project}"', "X-Project: {project}"),
    "Seconds with their unit": ("poll: {delay: 2, min: 1, max: 10}", "poll: {delay: 5s}"),
    "JSONPath with all items of a list": (
        "  entries: $response.body#/operations\n  order", "  entries: $.pages[*].operations\n  order"
    ),
    "A kind of auth as OpenAPI spells it": ("auth: bearer", "auth: {apiKey: {in: header, name: X-Key}}"),
    "A query without value": (_GET, "get: GET /operations/{operation_id}?verbose"),
    "A placeholder that is not known": (_GET, "get: GET /jobs/{job}/{operation_id}"),
    "The submit where it is not known any more": (_GET, "get: GET /{$request.path.job}/{operation_id}"),
    "An entry in a request": (_GET, "get: GET /operations/{operation_id}/{/id}"),
    "An answer in a request": (_GET, "get: GET /operations/{operation_id}/{$response.body#/id}"),
    "A password outside the login": ("check: GET /me", "check: GET /me?key={password}"),
    "A word in two states": (_RUNNING, "    running: [active, Queued]"),
    "A word twice in one state": (_RUNNING, "    running: [active, ACTIVE]"),
    "No word means that it succeeded": ("    succeeded: [success]\n", ""),
    "No status": (f"  {_STATUS}\n", ""),
    "A misspelt state": ("    cancelled: [stopped]", "    canceled: [stopped]"),
    "A misspelt key": ("  states:\n", "  staets:\n"),
    "A verdict that decides nothing": (f"  {_STATUS}\n", f"{_VERDICT}{{succeeded: x, running: y}}}}\n"),
    "A verdict that is read from the submit": (
        f"  {_STATUS}\n", "  status: /status\n  verdict: {status: $request.path.job, states: {failed: x}}\n",
    ),
    "A status of HTTP that is none": (f"  {_STATUS}\n", f"  {_STATUS}\n  http: {{99: failed}}\n"),
    "Bounds in the wrong order": ("poll: {delay: 2, min: 1, max: 10}", "poll: {delay: 2, min: 20, max: 10}"),
    "Seconds that are a word": ("poll: {delay: 2, min: 1, max: 10}", "poll: {delay: soon}"),
    "A timeout below zero": ("timeouts: {", "timeouts: {job.x: -1, "),
    "A key in the body without its slash": (_KEY, "in: body, name: labels, max: 63"),
    "A key in the body at no pointer": (_KEY, "in: body, name: /labels/, max: 63"),
    "A key that is longer than it may be": (_KEY, "in: body, name: /labels/airflow, max: 20"),
    "A key that stands twice": (_KEY, f'{_KEY}, format: "{{mark:uuid}}{{mark}}"'),
    "A format without the key": (_KEY, "in: body, name: /labels/a, format: af"),
    "A format with a misspelt key": (_KEY, 'in: body, name: /a, format: "{mrk}"'),
    "A key at many places": (_KEY, "in: body, name: /labels/*/airflow"),
    "A key that is appended in the middle": (_KEY, "in: body, name: /labels/-/airflow"),
    "A header that cannot be one": (_KEY, "in: header, name: X Key"),
    "A key that goes to no known place": (_KEY, "in: bdy, name: /labels/airflow"),
    "A header that cannot be one, for a key in auth": ("auth: bearer", "auth: {api_key: {in: header, name: X Key}}"),
    "A header that cannot be one, in every call": ('X-Project: "{project}"', '"X Project:": "{project}"'),
    "A header that cannot be one, in a request": (
        "check: GET /me", 'check: {request: GET /me, headers: {"X(Y)": a}}'
    ),
    "A header that cannot be one, in a budget": (
        "budget: 5", "budget: {ratelimit_remaining_header: X Left, ratelimit_reset_header: X-Reset}"
    ),
    "A key that goes to a header with a bracket": (_KEY, "in: header, name: X(Key"),
    "A key that goes to a parameter with a space": (_KEY, "in: query, name: a key"),
    "A refusal that means no answer": (_BUSY, "  busy: {}"),
    "A refusal that holds for now and for good": (_BUSY, f"{_BUSY}\n  already: {{status: [409, 423]}}"),
    "A refusal of a call that holds for now and for good": (
        "    kind: job.restart\n", "    kind: job.restart\n    already: {status: 423}\n"
    ),
    "A secret that is the status": (_SECRETS, "secrets: $statusCode"),
    "A verdict that can only fail": (
        f"  {_STATUS}\n", f"{_VERDICT}{{failed: x}}}}\n"
    ),
    "An auth twice": ("auth: bearer", "auth: [bearer, http_basic, bearer]"),
    "A password in an address": (
        "base_url: https://api.example.com/v1", "base_url: https://me:letmein@api.example.com/v1"
    ),
    "A password in the address for tokens": (
        "auth: bearer", "auth: {oauth2_client_credentials: {token_url: https://me:letmein@a.b/t}}"
    ),
    "A form that is not known": (_WAIT, "/wait?timeout={seconds:integer}"),
    "A form that is misspelt": (_WAIT, "/wait?timeout={seconds:itn}"),
    "A form that belongs to another": (_WAIT, "/wait?timeout={seconds:uuid}"),
    "A text that is too long": ("check: GET /me", f"check: GET /{'m' * 1100}"),
    "A body that is nested too deep": (
        "check: GET /me", f"check: {{request: POST /me, body: {'[' * 20}{']' * 20}}}"
    ),
    "A call that starts nothing": ("  - request: POST /jobs\n", "  - request: GET /jobs\n"),
    "A placeholder twice in a path": ("{job}/restart", "{job}/restart/{job}"),
    "A call twice": (RESTART, RESTART + RESTART.replace("{job}", "{id}")),
    "A kind with a space in it": ("    kind: job.restart\n", "    kind: restart job\n"),
    "An answer to a submit that is an error": ("  http: {200: succeeded}", "  http: {404: succeeded}"),
    "A state that is not known": ("  http: {200: succeeded}", "  http: {200: done}"),
    "No answer names an operation": (
        "  - request: POST /jobs/{job}/restart\n",
        "  - request: POST /jobs/{job}/restart\n    operation_id: []\n    http: {}\n",
    ),
    "A key of the search that is not known": ("    resource_id: /id\n", "    resource: /id\n"),
    "A list by ids without ids": ('"GET /operations?id={ids}", max: 25', '"GET /operations", max: 25'),
    "A placeholder that a list does not have": (
        "  open: GET /operations?open=true", "  open: GET /operations?after={since}"
    ),
    "Calls of one kind with different settings": (
        "    kind: job.restart\n", "    kind: job.create\n    timeout: 60\n    cancel: null\n"
    ),
    "A secret in a path of the submit": ("[$response.body#/job/password]", "$request.path.job"),
    "A secret in a path of a search": (
        "[$response.body#/job/password]", "$request.body#/cred\nlookup: GET /a/{$request.body#/cred/pin}"
    ),
    "A secret in an address that is stored": (
        "[$response.body#/job/password]", "$request.query.token\nresult: original_uri"
    ),
    "A cursor that is not read": ("type: cursor, cursor_path: $response.body#/next,", "type: cursor,"),
    "A cursor that is not sent": (" cursor_param: cursor,", ""),
    "A cursor in the body of a GET": (" cursor_param: cursor,", " cursor_body_path: /cursor,"),
    "An offset without limit": (PAGING, "type: offset, offset_param: o"),
    "A link that is not read": (PAGING, "type: json_link, page_size: 1"),
    "A paging that is not known": ("type: cursor,", "type: cursors,"),
    "A long poll without its seconds": (_WAIT, "/wait"),
    "A cancellation of nothing": (
        "cancel: POST /operations/{operation_id}/cancel", "cancel: POST /operations/cancel"
    ),
    "A deletion of an operation": ("delete: DELETE /jobs/{resource_id}", "delete: DELETE /jobs/{operation_id}"),
    "A variable with a name that is taken": ("  project: {title", "  mark: {title"),
    "A variable that is no name": ("  project: {title", "  my-project: {title"),
    "An auth that is not known": ("auth: bearer", "auth: barer"),
    "A key of auth is missing": ("auth: bearer", "auth: {api_key: {in: header}}"),
    "A token that is fetched unencrypted": (
        "auth: bearer", "auth: {oauth2_client_credentials: {token_url: http://a.b/t}}"
    ),
    "An address without scheme": ("base_url: https://api.example.com/v1", "base_url: api.example.com/v1"),
    "No address": ("base_url: https://api.example.com/v1\n", ""),
    "A name with spaces": ("name: jobs", "name: My Jobs"),
    "A budget of nothing": ("budget: 5", "budget: 0"),
    "A misspelt variable": ('X-Project: "{project}"', 'X-Project: "{projekt}"'),
    "A text where an object belongs": ('timeouts: {"": 3600, job.restart: 600}', "timeouts: 3600"),
    "An object where a text belongs": ("title: Jobs", "title: {en: Jobs}"),
}  # fmt: skip

#: What several changes are needed for.
FURTHER = {
    "No call, and nothing names an operation": seeded(
        (CALLS, ""),
        (_SUBMIT, "submit:\n"),
        ("  http: {200: succeeded}\n", ""),
    ),
    "A list that shows nothing": seeded(
        ("  open: GET /operations?open=true\n", ""), ('  by_ids: {request: "GET /operations?id={ids}", max: 25}\n', "")
    ),
    "A list without ids": seeded((_ID, "  kind")),
    "An object where a list belongs": f"{seeded((CALLS, ''))}calls: {{}}\n",
}

_MANY = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n" + "".join(f"d{n}: [*b, *b, *b]\n" for n in range(3000))
_DEEP = "a:\n" + "".join(" " * n + "- \n" for n in range(1, 60)) + " " * 60 + "- x\n"

#: What cannot be read at all.
UNREADABLE = {
    "An empty file": "\n",
    "A file that does not exist": "no/such/file.yaml",
    "Tabs": "name: x\n\tbase_url: y",
    "A key twice": "name: x\nname: y\n",
    "A tag of Python": "name: !!python/object:os.system x\n",
    "A tag that YAML itself has": "name: !!str x\n",
    "A tag on an object": "name: x\nerror: !!omap\n  code: /code\n",
    "Two documents": "name: x\n---\nname: y\n",
    "UTF-16 without its mark": "".join(f"{one}\0" for one in "name: x\n"),
    "A tag of another program": "name: !secret x\n",
    "Too many values": _MANY,
    "Too many levels": _DEEP,
    "Far too many levels": "[" * 5000 + "\n",
    "Braces without quotes": "name: x\noperation: {get: GET /x/{operation_id}}\n",
    "A star without quotes": "states: {running: [*]}\n",
    "A colon without quotes": "name: x: y\nbase_url: z\n",
    "A character that YAML does not have": "name: x\x00\nbase_url: z\n",
    "A key that is a list": "? [a]\n: b\n",
    "A list": "- a\n- b\n",
    "A file that is too large": "name: " + "x" * 300_000 + "\n",
}
