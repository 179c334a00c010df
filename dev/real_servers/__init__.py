"""`make real-servers`: specs of the catalogue at servers that PyPI brings, with killed workers and lost answers."""
