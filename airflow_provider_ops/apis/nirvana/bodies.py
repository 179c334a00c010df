"""What Nirvana takes: the words of its enumerations and the objects inside request bodies [Nirvana: section 4]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from typing_extensions import NotRequired, TypedDict

VolumeType = Literal["nvme", "abs"]
Protocol = Literal["tcp", "udp"]
BandwidthMbps = Literal[50, 200, 500, 1000, 2000]
#: What a list of operations can be filtered by: three more than the object itself documents.
OperationKind = Literal[
    "vm",
    "volume",
    "vpc",
    "firewall_rule",
    "connect_connection",
    "nks_cluster",
    "nks_node_pool",
    "nks_load_balancer",
    "nks_node",
]
OperationType = Literal["create", "update", "delete", "restart"]
OperationStatus = Literal["pending", "running", "done", "failed", "unknown"]
#: Lists can be filtered by these; a resource may also be ``deleted``.
ResourceStatus = Literal["pending", "creating", "updating", "ready", "deleting", "error"]
VolumeKind = Literal["boot", "data"]
MetricAggregation = Literal["mean", "max", "min"]
MetricPeriod = Literal["5m", "15m", "1h", "6h", "24h"]


class BootVolume(TypedDict):
    """Boot volume of a new VM; ``size`` in GB."""

    size: int
    type: VolumeType
    tags: NotRequired[Sequence[str]]


class DataVolume(TypedDict):
    """Data volume made together with a VM; ``size`` in GB."""

    name: str
    size: int
    type: VolumeType
    tags: NotRequired[Sequence[str]]


class SSHKey(TypedDict):
    """Public key for the first login."""

    public_key: str


class ConnectAWS(TypedDict):
    """The AWS side of a Connect connection."""

    account_id: str
    region: str


class NodeBootVolume(TypedDict):
    """Boot volume of every node of a pool; ``size`` in GB, 64 to 512."""

    size: int
    type: VolumeType


class NodeConfig(TypedDict):
    """What every node of a pool is like; labels as ``key=value``, taints as ``key=value:Effect``."""

    boot_volume: NodeBootVolume
    instance_type: str
    labels: NotRequired[Sequence[str]]
    taints: NotRequired[Sequence[str]]
