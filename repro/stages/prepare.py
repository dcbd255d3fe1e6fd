"""The prepare stage: a study's pictures, decoded, resized and packed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from repro.data.preparation.prepare import prepare
from repro.errors import UserError
from repro.files import write_json
from repro.project import results_folder, store_folder
from repro.study.load import load_study


def prepare_stage(root: Path, study: str, *, workers: int | None = None, skip_bad: bool = False) -> dict[str, Any]:
    """Prepare a study's pictures into the store; writes `prepared.json`."""
    resolved = load_study(root, study)
    data = resolved.settings["base"].data
    for variant, settings in resolved.settings.items():
        if settings.data != data:
            raise UserError(
                f"variants.yaml: {variant} changes data.*; variants of one study share its pictures: make another study"
            )
    store = store_folder(root)
    manifest = prepare(data, resolved.data_name, root, store, workers=workers, skip_bad=skip_bad)
    prepared = {
        "schema": 1,
        "data": resolved.data_name,
        "digest": manifest["digest"],
        "pictures": f"pictures/{manifest['key']}",
        "classes": manifest["classes"],
        "counts": manifest["counts"],
        "size": data.size,
        "filter": data.filter,
    }
    write_json(results_folder(root, study) / "prepared.json", prepared)
    return prepared
