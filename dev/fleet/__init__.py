"""`make fleet`: many processes on one connection, while Redis and they themselves are killed."""
