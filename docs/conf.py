"""How the site is built: `make docs`."""

from __future__ import annotations

from airflow_provider_ops import __version__

project = "airflow-provider-ops"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "dev.reference"]
html_theme = "furo"
html_title = f"airflow-provider-ops {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
# no page leads to them; the search finds every name
html_use_index = False
html_domain_indices = False
html_show_copyright = False
exclude_patterns = ["examples"]
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_default_options = {"members": True, "show-inheritance": True}
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"
