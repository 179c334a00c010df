"""What the documentation of Akua leaves open, and what this simulator answers."""

from __future__ import annotations

CHOICES = {
    "idempotency key used again": "Same method, path and body: the same answer about the same operation or object, as "
    "it is now, whatever the if-match. Another request: 422. Looked at before anything else, kept until the next "
    "reset; a refused request leaves no key.",
    "idempotency key or if-match missing or of the wrong length": "400.",
    "stale if-match": "409 with code 7002, the message begins with ABORTED, metadata has current_etag.",
    "etag": "The number of changes to the resource, as a bare string; every operation changes it at its start and end.",
    "if-match of :cancel": "Not looked at.",
    "akua-context": "Optional for keys of one workspace, which are all keys but those with 'broad' in them; those get "
    "400 without it. Any workspace but ws_simulated is 403.",
    "workspace": "There is one, ws_simulated, on the tier free. After its deletion it answers 404, the rest goes on.",
    "scopes": "Keys with 'readonly' in them get 403 on what changes something.",
    "error codes": "7002 for 404 and 409, 7004 for 422, 7000 for all else.",
    "bad query parameter": "422, but half of an owner filter is 400.",
    "unknown body field, wrong type, missing field, unknown region, package or version": "422 with a path.",
    "malformed JSON, wrong content type": "400.",
    "unknown path or method": "404 or 405, code 7000.",
    "empty body of :suspend, :resume, subscription:cancel and :reactivate": "Accepted like {}.",
    "rate limit": "429 with Retry-After, only where --rate-limit or a fault asks for it; :wait counts like any other.",
    "more than 3 machines launching in a cluster": "429. Other quotas are shown, not held.",
    "RUNNING": "From the first moment; what is settled stays RUNNING in reads and lists for 0.3 s, unless :wait has "
    "shown the end already.",
    ":wait": "Answers at the end of the operation or of the timeout, never before; 422 for a timeout out of range.",
    ":cancel": "Drains for 0.3 of the duration while RUNNING, then CANCELLED, never SUCCEEDED; every operation can be "
    "cancelled, and cancelling twice answers like once.",
    "failed or cancelled create": "The cluster stays provisioning, the machine PROVISIONING, the package without a "
    "version, the install failed; all can be deleted. A custom domain or preview hostname is gone.",
    "failed or cancelled delete, suspend, resume": "The resource is what it was before.",
    "busy resource": "409 while an operation on it is going on.",
    "suspending what is suspended, resuming what is not": "409.",
    "deleting twice": "409 while deleting, 404 afterwards.",
    "machine or install on a cluster that is not active": "409.",
    "DELETE of a cluster": "409 while it has machines or installs.",
    "DELETE of a package": "409 while it has installs.",
    "steps": "Every kind has two or three; the second of workspace.delete is an approval that comes by itself. "
    "started_at of a pending step is that of the operation. retryable and skippable are false.",
    "error of an operation": "error and last_error have the reason, last_error the step.",
    "operation types of changeTier and reactivate": "workspace.subscription.change_tier and "
    "workspace.subscription.reactivate, with workspace_id (and tier) in metadata, workspace_id in response.",
    "tiers": "free, pro and enterprise; others are 422.",
    "request_fingerprint": "Made up from the id.",
    "owner of an operation": "The cluster of capabilities and worker bootstraps, the install of renders and preview "
    "hostnames, the workspace of custom domains, subdomain and subscription, else the thing itself.",
    "field for the state of a resource": "state; the words are those of section 6.",
    "install.create": "Ends with the install syncing, which is healthy half a duration later. initial_values may say "
    "simulated_health: failed (it fails then) or degraded (half a duration of that comes before healthy).",
    "sandbox_skipped": "Answered where initial_values say simulated_sandbox: true; the install then stays syncing.",
    ":update": "The render has an operation of type install.render; to the version that is there, render is null.",
    ":restore": "The render has no operation and is deployed one duration later.",
    "POST /installs/{id}/renders": "Starts an install.render, whose id is in operation_id.",
    "versions of a package": "The first has the version 1.0.0 if target_revision is no semver. "
    "POST /packages/{id}/versions takes {version} and answers 201.",
    "change requests": "POST /repository_change_requests takes {parent_repository_id}; GET of one and its etag exist. "
    ":reject takes {reason}, :withdraw nothing; both need if-match and idempotency-key, start an operation that their "
    "answer, the change request, does not name, and are refused with 409 once it is not open any more.",
    "clusters:import": "Takes {name} and nothing else; the cluster is active at once, its provider imported_byoc.",
    "packages:import": "Takes {name} and nothing else; answers 201 with the package, which has a version 1.0.0.",
    "api_tokens": "Shown in their own answer only. Any key passes, so they open nothing.",
    "worker bootstraps": "Each cluster has one, listed at GET /clusters/{id}/worker_bootstraps; GET of one exists.",
    "custom domains and preview hostnames": "GET of one exists, with its etag.",
    "products": "Every product id is known.",
    "compute_config_id": "Required, as in A; cc_small and cc_large exist.",
    "regions": "reg_eu and reg_us.",
    "names of clusters": "1 to 100 characters, as in A; not unique.",
    "mixed_os_calico": "403, as B says of workspaces without it.",
    "times": "Unix seconds.",
}
"""Served at `/_control/choices`."""
