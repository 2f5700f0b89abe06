"""The documentation's settings: `nox -s docs` builds it into docs/_build."""

import importlib.metadata

project = "fastcounter"
author = "The fastcounter developers"
copyright = "the fastcounter developers"
version = release = importlib.metadata.version("fastcounter")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx"]
html_theme = "furo"
html_title = f"fastcounter {version}"
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "inherited-members": True}
