"""What the documentation of LakeSail leaves open, and what this simulator answers. Served at `/_control/choices`."""

CHOICES = {
    "status of an operation": "pending, running, succeeded, failed, cancelled.",
    "operation and resourceType": "cluster.provision, cluster.destroy and so on; cluster, network, connection.",
    "absent fields of an operation": "progress, result, error, startedAt, completedAt are absent until they apply.",
    "progress": "One resource per stage; its status is one of the keys of summary. Durations are 0.",
    "error of an operation": "code PROVISIONING_FAILED or the fault's, errorType provisioning, retryable true, "
    "retryAfter 30 (meant as seconds). The failed resource is counted in summary.",
    "result": "Only of connections: one instance type, with its metadata.",
    "provisioning paths": "POST /infra/networks, /infra/clusters, /infra/connections; DELETE on each with its id.",
    "provisioning bodies": "The fields that reads show. network: name, connectionId, region, config.cidr. cluster: "
    "name, connectionId, networkId, region. connection: name, provider, providerConfig.",
    "answer of POST /infra/clusters": "202, the cluster with id and operationId.",
    "answer of DELETE /infra/clusters": "202, the Operation itself.",
    "answer of POST /infra/networks": "202, an object operation with the Operation.",
    "answer of DELETE /infra/networks": "202, operationId and nothing else.",
    "answer of POST and DELETE /infra/connections": "202, Location of the operation; the body of POST is the "
    "connection, without operationId, that of DELETE is empty.",
    "statuses of infrastructure": "pending, active, destroying, failed; what is destroyed is in no list.",
    "operationId of a cluster": "The last operation on it, running or not.",
    "deleting what is busy or in use": "409 CONFLICT: an operation is running on it, or clusters are in the network.",
    "first connection": "One connection is there from the start, with the id C3V7X1Z5QM; it cannot be deleted.",
    "included.operations of connections": "The last operation of each connection of the page, if it had one.",
    "reachable clusters": "All of them: there is one user, who is in all teams.",
    "methods of workload calls": "Those that the fact sheet infers: POST creates, starts and readies, DELETE closes.",
    "answers of workload calls": "201 for creates, 200 for others, with the object as lists show it; 204 for deletes.",
    "bodies of workload calls": "The fields that reads show. session: name, teamId, endpointType, all optional. "
    "notebook: name (required), description. job: jobKey, clusterId, teamIds (all required), description, config. "
    "run: none.",
    "first proxy request of a session": "There is no gRPC here: POST .../token counts as it. A session becomes active "
    "when that was called and its compute is ready, which takes --duration seconds.",
    "idle sessions": "None: a session stays active until it is closed.",
    "closed session": "Stays readable with its terminationReason; closing it again answers it again.",
    "starting a notebook": "409 CONFLICT unless it is stopped. A failed start leaves it failed.",
    "job on a cluster that is not active": "409 CONFLICT.",
    "statuses of a run": "pending, ready, running, completed, failed, cancelled; it is dispatched, ready or not.",
    "ready for a run that is not pending": "409 CONFLICT.",
    "updates of notebooks and jobs": "PATCH; 200 with the object. notebook: name, description, workloadConfigId, the "
    "last with 409 CONFLICT unless it is stopped. job: description, config.",
    "error envelope": "code, message, errorType and details with retryable and requestId, as in operations.",
    "status codes": "400 malformed or invalid, 401, 403, 404 (also for ids of the wrong form), 405, 409, 429, 500.",
    "marker": "The field is called marker, and is absent on the last page. Newest first.",
    "limit 0": "An empty page.",
    "sortDirection": "Applies to the sortBy field; clusters have only name, jobs jobKey and createdAt.",
    "lists without a page or marker": "The first limit ones, newest first.",
    "unknown body field or query parameter": "400 INVALID_REQUEST.",
    "scopes": "Keys with readonly or noscope- in them lack infra:read, infra:write, workloads:read, workloads:write.",
    "answer of POST .../token": "200 with {token}.",
    "DPoP": "Not simulated; such a header is answered with 401.",
    "GET /auth/permissions": "Needs a key, as one of the two versions of the page says.",
    "times": "UTC in whole seconds.",
}
