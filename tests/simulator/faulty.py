"""What tests of faults share."""

from __future__ import annotations

import httpx

BODY = {"app_type": "airflow"}


def statuses(client: httpx.Client, n: int, path: str = "/operations") -> list[int]:
    return [client.get(path).status_code for _ in range(n)]
