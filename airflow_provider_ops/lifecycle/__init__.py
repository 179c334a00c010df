"""The life of one task run: submit or adopt, wait or defer, kill, report."""
