"""What the provider knows of each API: requests, wire models, mapping to ``Operation``. No I/O."""
