"""How the site is built: `make docs`."""

from __future__ import annotations

from airflow_provider_ops import __version__

project = "airflow-provider-ops"
release = __version__
extensions = ["myst_parser"]
html_theme = "furo"
html_title = f"airflow-provider-ops {release}"
exclude_patterns = ["examples"]
myst_heading_anchors = 3
