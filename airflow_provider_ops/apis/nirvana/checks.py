"""What Nirvana bounds in request bodies, refused before anything is sent [Nirvana: section 4]."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from airflow_provider_ops.apis.nirvana.bodies import BandwidthMbps, Protocol, VolumeType
from airflow_provider_ops.exceptions import InvalidArgument

_LABEL = re.compile(r"[^=\s]+=[^=\s]*")
_TAINT = re.compile(r"[^=\s:]+=[^=\s:]*:(NoSchedule|PreferNoSchedule|NoExecute)")
_RESERVED = ("kubernetes.io", "k8s.io", "nirvanalabs.io")
#: Known from the Terraform schema only, as is the minimum.
_SMALLEST_NODE_VOLUME, _LARGEST_NODE_VOLUME = 64, 512
_MOST_NODES = 100


def volume_type(name: str, value: object) -> None:
    """Refuse a volume type that is neither ``nvme`` nor ``abs``."""
    one_of(name, value, get_args(VolumeType))


def protocol(value: object) -> None:
    """Refuse a protocol that is neither ``tcp`` nor ``udp``."""
    one_of("protocol", value, get_args(Protocol))


def bandwidth(value: object) -> None:
    """Refuse a bandwidth that is not documented."""
    one_of("bandwidth_mbps", value, get_args(BandwidthMbps))


def one_of(name: str, value: object, allowed: Sequence[object]) -> None:
    """Refuse a value outside of ``allowed``.

    :raises InvalidArgument: names the argument and the allowed values.
    """
    if value not in allowed:
        raise InvalidArgument(f"{name} {value!r} is not known to Nirvana: use {', '.join(map(repr, allowed))}")


def within(name: str, value: object, least: int, most: int | None = None) -> None:
    """Refuse what is no whole number between ``least`` and ``most``.

    :raises InvalidArgument: names the argument and the bounds.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and value >= least and (most is None or value <= most):  # type: ignore[operator]
        return
    bounds = f"{least} or more" if most is None else f"from {least} to {most}"
    raise InvalidArgument(f"{name} must be a whole number, {bounds}, not {value!r}")


def node_count(value: object) -> None:
    """Refuse a node count outside of 0 to 100."""
    within("node_count", value, 0, _MOST_NODES)


def volume(name: str, value: Mapping[str, Any]) -> None:
    """Check the boot volume or a data volume of a VM."""
    volume_type(f"{name}.type", _part(name, value, "type"))
    within(f"{name}.size", _part(name, value, "size"), 1)


def node_config(value: Mapping[str, Any]) -> None:
    """Check volume, labels and taints of the nodes of a pool."""
    boot_volume = _part("node_config", value, "boot_volume")
    name = "node_config.boot_volume"
    volume_type(f"{name}.type", _part(name, boot_volume, "type"))
    within(f"{name}.size", _part(name, boot_volume, "size"), _SMALLEST_NODE_VOLUME, _LARGEST_NODE_VOLUME)
    _part("node_config", value, "instance_type")
    for label in value.get("labels") or ():
        _label(label)
    for taint in value.get("taints") or ():
        if not _TAINT.fullmatch(str(taint)):
            raise InvalidArgument(
                f"taint {taint!r} must be key=value:Effect, Effect NoSchedule, PreferNoSchedule or NoExecute"
            )


def _label(label: object) -> None:
    if not _LABEL.fullmatch(str(label)):
        raise InvalidArgument(f"label {label!r} must be written key=value")
    prefix, slash, _ = str(label).partition("=")[0].partition("/")
    if slash and any(prefix == word or prefix.endswith(f".{word}") for word in _RESERVED):
        raise InvalidArgument(f"label {label!r} has a reserved prefix: {', '.join(_RESERVED)} are not for users")


def network(name: str, value: object) -> None:
    """Refuse an address or network that is not in canonical form, with no bits set behind the mask.

    :raises InvalidArgument: says how it would be canonical.
    """
    try:
        parsed = ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        raise InvalidArgument(f"{name} {value!r} is not an IP network: write it like '10.0.0.0/24'") from None
    if "/" in str(value) and str(value) != str(parsed):
        raise InvalidArgument(f"{name} {value!r} is not network-aligned: write {str(parsed)!r}")


def strings(body: Mapping[str, Any]) -> None:
    """Refuse a single text where the body has a list of texts: to Python it would be a list of its letters.

    :raises InvalidArgument: names the argument.
    """
    for name in ("tags", "destination_ports", "cidrs", "provider_cidrs"):
        value = body.get(name)
        if isinstance(value, str):
            raise InvalidArgument(f"{name} {value!r} must be a list of texts: write [{value!r}]")
        if isinstance(value, Sequence) and not all(isinstance(item, str) for item in value):
            raise InvalidArgument(f"{name} {value!r} must be a list of texts: write {[str(item) for item in value]!r}")


def networks(name: str, values: Sequence[object]) -> None:
    """Refuse networks that are not in canonical form."""
    strings({name: values})
    for value in values:
        network(name, value)


def source(value: object) -> None:
    """Refuse a source of traffic that is no network; ``0.0.0.0`` is allowed only as ``0.0.0.0/0``.

    :raises InvalidArgument: says what to write.
    """
    network("source_address", value)
    address, _, mask = str(value).partition("/")
    if address == str(ipaddress.IPv4Address(0)) and mask != "0":
        raise InvalidArgument(f"source_address {value!r} is not allowed: everywhere is written '0.0.0.0/0'")


def _part(name: str, value: Any, key: str) -> Any:
    if not isinstance(value, Mapping) or key not in value:
        raise InvalidArgument(f"{name} needs {key!r}: {value!r} has none")
    return value[key]
