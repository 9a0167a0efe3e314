"""A small model that runs on this machine, to see jackline at work without a key."""

from jackline.adapters.local.model import LocalModel

__all__ = ["LocalModel"]
