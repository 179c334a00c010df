"""Pure decisions and values: no clock, no I/O."""
