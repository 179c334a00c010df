"""The only I/O: httpx clients built from a connection, their pace, and the loops that drive waits and flows."""
