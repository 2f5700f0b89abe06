from typing import Any, SupportsIndex, final

from typing_extensions import Self

class _Counter:
    def __new__(cls, *args: object, **kwargs: object) -> Self: ...
