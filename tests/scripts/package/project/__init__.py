from .engine import Engine
from .model import build_model

__all__ = ["Engine", "build_model"]
