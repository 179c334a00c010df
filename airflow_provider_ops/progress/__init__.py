"""Where the story of a wait is kept for people to see: as an XCom of the waiting task.

Nothing here may disturb a wait: what cannot be written is not shown, and that is all.
"""

#: Key in the task state store of what the tries before this one came to.
TRIES = "airflow_provider_ops.tries"
