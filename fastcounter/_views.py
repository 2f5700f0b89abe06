"""Views of the counts of a map."""

from _collections_abc import ItemsView  # of collections.abc, which imports far more
from typing import Any

MISSING = object()


class CountItems(ItemsView[Any, int]):
    """Pairs of a label and its count.

    `collections.abc` takes each label that `counts[label]` has a value for to be in the map.
    """

    def __contains__(self, item: object) -> bool:
        if not isinstance(item, tuple) or len(item) != 2:
            return False
        label, count = item
        found = self._mapping.get(label, MISSING)  # type: ignore[attr-defined]
        return found is not MISSING and bool(found == count)
