"""Many waits of one connection together: poller, lists, leases and the feed of settled operations."""
