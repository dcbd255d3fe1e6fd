"""The prepare stage: a study's pictures, decoded, resized and packed."""

from __future__ import annotations

from repro.data.preparation.prepare import prepare
from repro.errors import UserError
from repro.files import write_json
from repro.progress import say
from repro.project import Project
from repro.runs.prepared_study import PREPARED_SCHEMA, PreparedPictures, prepared_pictures
from repro.study.load import load_study


def prepare_stage(
    project: Project, study: str, *, workers: int | None = None, skip_bad: bool = False
) -> PreparedPictures:
    """Prepare a study's pictures into the store; writes `prepared.json`."""
    resolved = load_study(project.root, study)
    data = resolved.settings["base"].data
    for variant, settings in resolved.settings.items():
        if settings.data != data:
            raise UserError(
                f"variants.yaml: {variant} changes data.*; variants of one study share its pictures: make another study"
            )
    manifest = prepare(data, resolved.data_name, project.root, project.store, workers=workers, skip_bad=skip_bad)
    if (shared := manifest["also_in_train"])["count"]:
        say(
            f"note: {study}: {shared['count']} pictures to judge by have the very pixels of a training picture, "
            f"{', '.join(shared['pictures'][:3])} among them; whoever knows them by heart errs less on them. "
            "Leave them out by their base names: data.exclude_pictures"
        )
    prepared = {
        "schema": PREPARED_SCHEMA,
        "data": resolved.data_name,
        "digest": manifest["digest"],
        "pictures": f"pictures/{manifest['key']}",
        "classes": manifest["classes"],
        "counts": manifest["counts"],
        "size": data.size,
        "filter": data.filter,
    }
    write_json(project.prepared_file(study), prepared)
    return prepared_pictures(project, study)
