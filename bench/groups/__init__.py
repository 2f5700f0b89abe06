"""The groups of benchmarks, a module each.  Importing this package makes them all."""

from importlib import import_module

from bench.group import GROUPS

__all__ = ["GROUPS"]

# In the order in which they run and are shown.
MODULES = (
    "article methods subclass creation labels threads map_threads deferred processes c_level peers exporters "
    "shared_map same_code"
)

for _name in MODULES.split():
    import_module(f"bench.groups.{_name}")
