"""Operators of Akua: one for each call that starts an operation."""

from __future__ import annotations

from airflow_provider_ops.operators.akua.change_requests import (
    AkuaAcceptRepositoryChangeRequestOperator,
    AkuaCreateRepositoryChangeRequestOperator,
    AkuaRejectRepositoryChangeRequestOperator,
    AkuaWithdrawRepositoryChangeRequestOperator,
)
from airflow_provider_ops.operators.akua.clusters import (
    AkuaCreateClusterOperator,
    AkuaDeleteClusterOperator,
    AkuaRefreshClusterCapabilitiesOperator,
    AkuaResumeClusterOperator,
    AkuaRevokeWorkerBootstrapOperator,
    AkuaSuspendClusterOperator,
)
from airflow_provider_ops.operators.akua.hostnames import (
    AkuaBindFloatingPreviewHostnameOperator,
    AkuaBindPinnedPreviewHostnameOperator,
    AkuaCreateCustomDomainOperator,
    AkuaDeleteCustomDomainOperator,
    AkuaDeletePreviewHostnameOperator,
    AkuaUpdateCustomDomainOperator,
)
from airflow_provider_ops.operators.akua.installs import (
    AkuaCreateInstallOperator,
    AkuaCreatePackageOperator,
    AkuaCreateRenderOperator,
    AkuaDeleteInstallOperator,
    AkuaRestoreInstallOperator,
    AkuaSetAutomaticUpdatesOperator,
    AkuaUpdateInstallOperator,
)
from airflow_provider_ops.operators.akua.machines import (
    AkuaCreateMachineOperator,
    AkuaDeleteMachineOperator,
    AkuaResumeMachineOperator,
    AkuaSuspendMachineOperator,
)
from airflow_provider_ops.operators.akua.workspaces import (
    AkuaCancelSubscriptionOperator,
    AkuaChangeTierOperator,
    AkuaDeleteWorkspaceOperator,
    AkuaReactivateSubscriptionOperator,
    AkuaSetSubdomainNameOperator,
)

__all__ = [
    "AkuaAcceptRepositoryChangeRequestOperator",
    "AkuaBindFloatingPreviewHostnameOperator",
    "AkuaBindPinnedPreviewHostnameOperator",
    "AkuaCancelSubscriptionOperator",
    "AkuaChangeTierOperator",
    "AkuaCreateClusterOperator",
    "AkuaCreateCustomDomainOperator",
    "AkuaCreateInstallOperator",
    "AkuaCreateMachineOperator",
    "AkuaCreatePackageOperator",
    "AkuaCreateRenderOperator",
    "AkuaCreateRepositoryChangeRequestOperator",
    "AkuaDeleteClusterOperator",
    "AkuaDeleteCustomDomainOperator",
    "AkuaDeleteInstallOperator",
    "AkuaDeleteMachineOperator",
    "AkuaDeletePreviewHostnameOperator",
    "AkuaDeleteWorkspaceOperator",
    "AkuaReactivateSubscriptionOperator",
    "AkuaRefreshClusterCapabilitiesOperator",
    "AkuaRejectRepositoryChangeRequestOperator",
    "AkuaRestoreInstallOperator",
    "AkuaResumeClusterOperator",
    "AkuaResumeMachineOperator",
    "AkuaRevokeWorkerBootstrapOperator",
    "AkuaSetAutomaticUpdatesOperator",
    "AkuaSetSubdomainNameOperator",
    "AkuaSuspendClusterOperator",
    "AkuaSuspendMachineOperator",
    "AkuaUpdateCustomDomainOperator",
    "AkuaUpdateInstallOperator",
    "AkuaWithdrawRepositoryChangeRequestOperator",
]
