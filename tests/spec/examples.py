"""A spec with every section, for the tests of the language."""

from __future__ import annotations

JOBS = """\
name: jobs
title: Jobs
base_url: https://api.example.com/v1
variables:
  project: {title: Project, default: main}
auth: bearer
headers: {X-Project: "{project}"}
check: GET /me
error: {code: /error/code, message: /error/message}
secrets: [$response.body#/job/password]
submit:
  operation_id: [$response.body#/operation/id, $response.body#/next/*/id]
  resource: {type: job, id: $response.body#/job/id}
  http: {200: succeeded}
  busy: {status: 423}
calls:
  - request: POST /jobs
    kind: job.create
    creates: job
    mark: {in: body, name: /labels/airflow, max: 63}
    find:
      request: "GET /jobs?label=airflow%3D{mark}"
      entries: $response.body#/jobs
      match: /labels/airflow
      resource_id: /id
    lookup:
      request: "GET /jobs/{resource_id}/operations?kind={kind}"
      entries: $response.body#/operations
      operation_id: /id
  - request: POST /jobs/{job}/restart
    kind: job.restart
operation:
  get: GET /operations/{operation_id}
  entry: $response.body#/operation
  id: /id
  kind: /kind
  resource: {type: job, id: /job_id}
  status: /status
  states:
    pending: [queued]
    running: [active]
    succeeded: [success]
    failed: [error]
    cancelled: [stopped]
  error: {code: /error/code, message: /error/message}
  progress: /percent
  created_at: /created
lists:
  entries: $response.body#/operations
  order: newest
  open: GET /operations?open=true
  recent: GET /operations?open=false
  by_ids: {request: "GET /operations?id={ids}", max: 25}
paging: {type: cursor, cursor_path: $response.body#/next, cursor_param: cursor, page_size: 100, page_size_param: limit}
wait: {request: "GET /operations/{operation_id}/wait?timeout={seconds:int}", max: 60}
cancel: POST /operations/{operation_id}/cancel
delete: DELETE /jobs/{resource_id}
poll: {delay: 2, min: 1, max: 10}
budget: 5
timeouts: {"": 3600, job.restart: 600}
"""
