"""Vectors: made comparable, and kept in files that can be made again."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from typing import Any

from .types import Vectors

log = logging.getLogger("essayqa")


def normalised(rows: Any) -> Vectors:
    """Each row at unit length, float32."""
    import numpy as np

    rows = np.asarray(rows, dtype=np.float32)
    unit: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return unit


def hashed(text: str) -> str:
    """The key a text's vectors are kept by."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def load_arrays(path: Path, version: str) -> dict[str, Any]:
    """The arrays kept at `path` under `version`; none if it is lost, damaged or of another
    version."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as data:
            if str(data["version"]) != version:
                return {}
            return {name: data[name] for name in data.files if name != "version"}
    except FileNotFoundError:
        return {}
    except Exception as error:  # a truncated archive fails in many ways
        log.warning("%s is damaged and will be made again (%s)", path, error)
        return {}


def save_arrays(path: Path, version: str, **arrays: Any) -> None:
    """Keep arrays at `path`, whole or not at all. If they cannot be kept only speed is
    lost, so that is a warning."""
    import numpy as np

    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(file, version=np.array(version), **arrays)
        os.replace(part, path)
    except OSError as error:
        log.warning("vectors could not be kept in %s (%s)", path, error)
