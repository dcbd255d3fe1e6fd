"""What `repro prepare` tells beside the number of pictures."""

from __future__ import annotations

import shutil

from tests.small_project import Place, did


def test_pictures_to_judge_by_that_are_training_pictures_too_are_told(place: Place) -> None:
    assert "very pixels" not in did(place.root, "prepare", "small").err
    shutil.copytree(place.colours, place.mine)
    source = sorted((place.mine / "train").glob("*/a*.jpeg"))[0]
    shutil.copy(source, place.mine / "val" / source.parent.name / "copy.jpeg")
    place.use(place.mine, "mine")
    told = did(place.root, "prepare", "small").err
    assert (
        f"1 pictures to judge by have the very pixels of a training picture, held_out/{source.parent.name}/copy.jpeg"
        in told
    )
    assert "data.exclude_pictures" in told
