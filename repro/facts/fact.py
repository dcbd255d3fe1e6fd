"""One fact as it stands in facts.json."""

from __future__ import annotations

from typing import Any

import torch

Fact = dict[str, Any]


def fact(value: Any, how: str) -> Fact:
    """A measured value, as plain numbers, with a sentence on how it was measured."""
    return {"value": plain(value), "how": how}


def plain(value: Any) -> Any:
    """Tensors and numpy numbers as Python's own."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, torch.Tensor):
        return value.item() if value.ndim == 0 else value.tolist()
    return value.item() if hasattr(value, "item") else value
