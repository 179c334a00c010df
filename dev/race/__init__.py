"""Many short operations on a busy machine: whether a task turns red although its operation succeeded."""
