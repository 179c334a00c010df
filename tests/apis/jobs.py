"""An API for tests, as a spec describes it."""

from __future__ import annotations

from typing import Any

from airflow_provider_ops.apis.described import DescribedApi
from airflow_provider_ops.spec import ApiSpec
from airflow_provider_ops.spec.keys import short_key
from tests.apis.answers import answer
from tests.spec.examples import JOBS

KEY = "airflow-0123456789-nonce"
SHORT = short_key(KEY)
OPERATION = {
    "id": "op_1",
    "kind": "job.create",
    "status": "active",
    "percent": 40,
    "job_id": 7,
    "created": 1782907200,
    "error": {"code": "quota", "message": "no room"},
}


def jobs(*edits: tuple[str, str], **variables: str) -> DescribedApi:
    text = JOBS
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return DescribedApi(ApiSpec.from_yaml(text), variables)


API = jobs()


def one(data: Any, api: DescribedApi = API, status: int = 200) -> Any:
    return api.get_operation("op_1").parse(answer({"operation": data}, status))


OURS = {"id": 7, "labels": {"airflow": SHORT}}
