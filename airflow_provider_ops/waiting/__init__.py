"""Pure decisions: when to look next, when to give up, what a submit may do next. No clock, no I/O."""
