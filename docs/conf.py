"""The documentation's settings: `nox -s docs` builds it into docs/_build."""

import importlib.metadata

project = "fastcounter"
author = "The fastcounter developers"
copyright = "the fastcounter developers"
version = release = importlib.metadata.version("fastcounter")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
html_theme = "furo"
html_title = f"fastcounter {version}"
html_static_path = ["_static"]
html_css_files = ["width.css"]
pygments_dark_style = "monokai"  # Furo's underlines the names of modules, as if they were links
highlight_options = {"python": {"stripnl": True}}
exclude_patterns = ["_build"]
nitpicky = True
smartquotes = False  # they would turn `--processes` into a dash

default_role = "code"  # `like this` in a docstring
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "inherited-members": True}

copybutton_prompt_text = r">>> |\.\.\. |\$ "  # neither prompts nor output are copied
copybutton_prompt_is_regexp = True
