"""What the contract of Akua leaves open, and what this simulator answers."""

from __future__ import annotations

CHOICES = {
    "idempotency key used again": "Same method, path and body: the same answer about the same operation or object, as "
    "it is now, whatever the if-match. Another request: 422. Checked before anything else, kept until the next "
    "reset; a refused request leaves no key.",
    "idempotency key or if-match missing or of the wrong length": "400.",
    "stale if-match": "409 with code 7002, the message begins with ABORTED, metadata has current_etag.",
    "etag": "The number of changes to the resource, as a bare string; every operation changes it at its start and end.",
    "if-match of :cancel": "Not checked.",
    "akua-context": "Optional for keys of one workspace, which are all keys but those with 'broad' in them; those get "
    "400 without it. Any workspace but ws_simulated is 403.",
    "workspace": "There is one, ws_simulated, on the tier free. After its deletion it answers 404, the rest continues.",
    "scopes": "Keys with 'readonly' in them get 403 on what changes something.",
    "error codes": "7002 for 404 and 409, 7004 for 422, 7000 for all else.",
    "bad query parameter": "422, but half of an owner filter is 400.",
    "unknown body field, wrong type, missing field, unknown region, package or version": "422 with a path.",
    "malformed JSON, wrong content type": "400.",
    "unknown path or method": "404 or 405, code 7000.",
    "body that is optional": "Nothing, null and {} are the same.",
    "rate limit": "429 with Retry-After, only where --rate-limit or a fault asks for it; :wait counts like any other.",
    "more than 3 machines launching in a cluster": "429. Other quotas are shown, not held.",
    "RUNNING": "From the first moment; what is settled stays RUNNING in reads and lists for 0.3 s, unless :wait has "
    "shown the end already.",
    ":wait": "Answers at the end of the operation or of the timeout, never before; 422 for a timeout out of range.",
    ":cancel": "Drains for 0.3 of the duration while RUNNING, then CANCELLED, never SUCCEEDED; every operation can be "
    "cancelled, and cancelling twice answers like once.",
    "failed or cancelled create": "The cluster stays provisioning, the machine PROVISIONING, the package without a "
    "version in its list, the install failed; all can be deleted. A custom domain or preview hostname is gone.",
    "failed or cancelled delete, suspend, resume": "The resource is what it was before.",
    "busy resource": "409 while an operation on it is running.",
    "suspending what is suspended, resuming what is not": "409.",
    "deleting twice": "409 while deleting, 404 afterwards.",
    "machine or install on a cluster that is not active": "409.",
    "DELETE of a cluster": "409 while it has machines or installs.",
    "DELETE of a package": "409 while it has installs.",
    "steps": "Every kind has two or three; the second of workspace.delete is an approval that comes by itself. "
    "started_at of a pending step is that of the operation. retryable and skippable are false.",
    "error of an operation": "error and last_error have the reason, last_error the step.",
    "operation type of changeTier and reactivate": "workspace.subscription.cancel: the contract has no other type for "
    "a subscription.",
    "tiers": "free, pro and enterprise; others are 422. A change is pending, then applied or failed.",
    "subdomain": "Has an etag of its own; propagating while it is being named.",
    "request_fingerprint": "Made up from the id.",
    "owner of an operation": "The cluster of capabilities and worker bootstraps, the install of renders and preview "
    "hostnames, the workspace of custom domains, subdomain and subscription, else the thing itself.",
    "install.create": "Ends with the install syncing, which is healthy half a duration later. initial_values may say "
    "simulated_health: failed (it fails then) or degraded (half a duration of that comes before healthy).",
    "sandbox_skipped": "Answered where initial_values say simulated_sandbox: true; the install then stays syncing.",
    ":update and automatic_updates": "The render has an operation of type install.render; without a newer version, "
    "render is null.",
    ":restore": "The render has no operation and is deployed one duration later.",
    "POST /installs/{id}/renders": "Is skipped where the deployed version is rendered again, unless skip_unchanged is "
    "false.",
    "versions of a package": "The first is 1.0.0 if target_revision is no semver; latest_version_id names it from the "
    "beginning, lists once it is built. A second one of the same semver is 409.",
    "change requests": "AWAITING_CHANGES until the operation of their create succeeds, as if somebody had pushed "
    "meanwhile, then READY; decided when READY, else 409. rejected_at and withdrawn_at are the start of the operation.",
    "clusters:import": "The cluster is active at once.",
    "api_tokens": "Any key passes, so they open nothing.",
    "worker bootstraps": "Each cluster has one from the beginning. Good for an hour unless ttl_seconds says otherwise.",
    "products": "prod_simulated is listed; every product id is known.",
    "compute_config_id": "cc_small and cc_large exist; a machine without one belongs to Akua.",
    "regions": "reg_eu and reg_us from the beginning; their reads have the etag that PATCH and DELETE want. DELETE is "
    "409 while something is there.",
    "POST /repositories and :createToken": "The first answers with the fields of other repositories, the second with "
    "repository_id, remote_url, write_token and revokes_at: neither is published.",
    "names of clusters": "1 to 100 characters; not unique.",
    "mixed_os_calico": "403.",
}
"""Served at `/_control/choices`."""
