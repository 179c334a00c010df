"""One module for each API of the provider, found by its name."""
