"""Operators of Nirvana's networking: VPCs, firewall rules, Connect connections [Nirvana: section 4, Networking]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import Unpack

from airflow_provider_ops.apis.nirvana import networking, submits
from airflow_provider_ops.apis.nirvana.bodies import BandwidthMbps, ConnectAWS, Protocol
from airflow_provider_ops.hooks.nirvana import NirvanaHook
from airflow_provider_ops.operators.arguments import OperatorArguments, Templated, TemplatedList
from airflow_provider_ops.operators.base import OperationOperator
from airflow_provider_ops.operators.declared import request_fields


class NirvanaCreateVPCOperator(OperationOperator):
    """Create a VPC with one subnet and wait until it is ready.

    ``resource`` in the result is the VPC; VMs need its ``subnet["id"]``, firewall rules its ``subnet["cidr"]``.

    :param name: name of the VPC.
    :param region: like ``us-sva-2``.
    :param subnet_name: name of its subnet.
    :param project_id: default is the connection's.
    :param tags: tags of the VPC.
    :param preflight: whether to ask for availability first, and fail before anything is made.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(networking.create_vpc))

    @request_fields
    def __init__(
        self,
        *,
        name: Templated[str],
        region: Templated[str],
        subnet_name: Templated[str],
        project_id: Templated[str] | None = None,
        tags: TemplatedList[str] | None = None,
        preflight: Templated[bool] = False,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaUpdateVPCOperator(OperationOperator):
    """Change a VPC and wait until the change is done. What is not given stays as it is.

    :param vpc_id: the VPC.
    :param name: new name.
    :param subnet_name: new name of its subnet.
    :param tags: new tags.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(networking.update_vpc))

    @request_fields
    def __init__(
        self,
        *,
        vpc_id: Templated[str],
        name: Templated[str] | None = None,
        subnet_name: Templated[str] | None = None,
        tags: TemplatedList[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaDeleteVPCOperator(OperationOperator):
    """Delete a VPC and wait until it is gone.

    :param vpc_id: the VPC.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(networking.delete_vpc))

    @request_fields
    def __init__(self, *, vpc_id: Templated[str], **kwargs: Unpack[OperatorArguments]) -> None: ...


class NirvanaCreateFirewallRuleOperator(OperationOperator):
    """Let traffic into a VPC and wait until the rule is in force.

    :param vpc_id: the VPC.
    :param name: name of the rule.
    :param protocol: ``tcp`` or ``udp``.
    :param source_address: network-aligned; everywhere is ``0.0.0.0/0``.
    :param destination_address: network of the VPC, or a VM inside it.
    :param destination_ports: ports as text, like ``["22"]``.
    :param tags: tags of the rule.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(networking.create_firewall_rule))

    @request_fields
    def __init__(
        self,
        *,
        vpc_id: Templated[str],
        name: Templated[str],
        protocol: Templated[Protocol],
        source_address: Templated[str],
        destination_address: Templated[str],
        destination_ports: TemplatedList[str],
        tags: TemplatedList[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaUpdateFirewallRuleOperator(OperationOperator):
    """Change a firewall rule and wait until the change is in force. What is not given stays as it is.

    :param vpc_id: the VPC.
    :param firewall_rule_id: the rule.
    :param name: new name.
    :param protocol: ``tcp`` or ``udp``.
    :param source_address: network-aligned; everywhere is ``0.0.0.0/0``.
    :param destination_address: network of the VPC, or a VM inside it.
    :param destination_ports: ports as text.
    :param tags: new tags.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(networking.update_firewall_rule))

    @request_fields
    def __init__(
        self,
        *,
        vpc_id: Templated[str],
        firewall_rule_id: Templated[str],
        name: Templated[str] | None = None,
        protocol: Templated[Protocol] | None = None,
        source_address: Templated[str] | None = None,
        destination_address: Templated[str] | None = None,
        destination_ports: TemplatedList[str] | None = None,
        tags: TemplatedList[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaDeleteFirewallRuleOperator(OperationOperator):
    """Delete a firewall rule and wait until it is gone.

    :param vpc_id: the VPC.
    :param firewall_rule_id: the rule.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(networking.delete_firewall_rule))

    @request_fields
    def __init__(
        self, *, vpc_id: Templated[str], firewall_rule_id: Templated[str], **kwargs: Unpack[OperatorArguments]
    ) -> None: ...


class NirvanaCreateConnectConnectionOperator(OperationOperator):
    """Create a private line to another provider and wait until it is ready.

    :param name: name of the connection.
    :param region: like ``us-sva-2``.
    :param bandwidth_mbps: 50, 200, 500, 1000 or 2000.
    :param cidrs: our networks, network-aligned.
    :param provider_cidrs: networks at the other provider, network-aligned.
    :param aws: ``{"account_id", "region"}`` of the AWS side.
    :param project_id: default is the connection's.
    :param tags: tags of the connection.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(networking.create_connect_connection))

    @request_fields
    def __init__(
        self,
        *,
        name: Templated[str],
        region: Templated[str],
        bandwidth_mbps: Templated[BandwidthMbps],
        cidrs: TemplatedList[str],
        provider_cidrs: TemplatedList[str],
        aws: Templated[ConnectAWS | Mapping[str, Any]] | None = None,
        project_id: Templated[str] | None = None,
        tags: TemplatedList[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaUpdateConnectConnectionOperator(OperationOperator):
    """Change name or tags of a Connect connection and wait until that is done.

    :param connection_id: the Connect connection (the Airflow connection is ``conn_id``).
    :param name: new name.
    :param tags: new tags.
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(networking.update_connect_connection))

    @request_fields
    def __init__(
        self,
        *,
        connection_id: Templated[str],
        name: Templated[str] | None = None,
        tags: TemplatedList[str] | None = None,
        **kwargs: Unpack[OperatorArguments],
    ) -> None: ...


class NirvanaDeleteConnectConnectionOperator(OperationOperator):
    """Delete a Connect connection and wait until it is gone.

    :param connection_id: the Connect connection (the Airflow connection is ``conn_id``).
    """

    hook_class = NirvanaHook
    build_request = staticmethod(submits(networking.delete_connect_connection))

    @request_fields
    def __init__(self, *, connection_id: Templated[str], **kwargs: Unpack[OperatorArguments]) -> None: ...
