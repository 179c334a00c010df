"""The simulated Nirvana: what its tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ops.simulator.nirvana.catalogue import PROJECT

if TYPE_CHECKING:
    import httpx

    from airflow_provider_ops.testing import SimulatorServer, VirtualClock


REGION = "us-sva-2"


LONG = 200.0


VPCS, VMS, VOLUMES = "/v1/networking/vpcs", "/v1/compute/vms", "/v1/compute/volumes"


CLUSTERS, CONNECTIONS = "/v1/nks/clusters", "/v1/networking/connect/connections"


VPC = {"name": "n", "project_id": PROJECT, "region": REGION, "subnet_name": "s"}


VOLUME = {"name": "v", "project_id": PROJECT, "region": REGION, "size": 10, "type": "abs"}


RULE = {
    "name": "r",
    "protocol": "tcp",
    "source_address": "0.0.0.0/0",
    "destination_address": "10.0.0.0/24",
    "destination_ports": ["22"],
}


LINE = {
    "name": "c",
    "project_id": PROJECT,
    "region": REGION,
    "bandwidth_mbps": 50,
    "cidrs": ["10.0.0.0/24"],
    "provider_cidrs": ["10.1.0.0/16"],
}


POOL = {
    "name": "p",
    "node_config": {"boot_volume": {"size": 64, "type": "nvme"}, "instance_type": "n1-standard-2"},
    "node_count": 2,
}


class Nirvana:
    """One simulated Nirvana, with a client."""

    def __init__(self, server: SimulatorServer, clock: VirtualClock, client: httpx.Client) -> None:
        self.server, self.clock, self.client = server, clock, client

    def start(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = self.client.request(method, path, json=body or None)
        assert answer.status_code == 202, answer.text
        operation: dict[str, Any] = answer.json()
        return operation

    def make(self, path: str, **body: Any) -> str:
        operation = self.start("POST", path, **body)
        self.clock.advance(LONG)
        return str(operation["resource_id"])

    def do(self, method: str, path: str, **body: Any) -> None:
        self.start(method, path, **body)
        self.clock.advance(LONG)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def items(self, path: str, **params: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get(path, **params)["items"]
        return items

    def refused(self, method: str, path: str, **body: Any) -> tuple[int, str]:
        answer = self.client.request(method, path, json=body or None)
        assert set(answer.json()) == {"message"}
        return answer.status_code, answer.json()["message"]

    def vm(self, **changes: Any) -> str:
        vpc = self.get(f"{VPCS}/{self.make(VPCS, **VPC)}")
        return self.make(VMS, **self.vm_body(vpc["subnet"]["id"], **changes))

    @staticmethod
    def vm_body(subnet_id: str, **changes: Any) -> dict[str, Any]:
        return {
            "boot_volume": {"size": 64, "type": "nvme"},
            "instance_type": "n1-standard-2",
            "name": "m",
            "os_image_name": "ubuntu",
            "project_id": PROJECT,
            "public_ip_enabled": True,
            "region": REGION,
            "ssh_key": {"public_key": "ssh-ed25519 AAAA"},
            "subnet_id": subnet_id,
            **changes,
        }

    def cluster(self) -> str:
        body = {"name": "k", "project_id": PROJECT, "region": REGION, "kubernetes_version": "v1", "autoscaling": False}
        return self.make(CLUSTERS, **body, vpc_id=self.make(VPCS, **VPC))
