"""The settings of a study and of its runs: typed, frozen, unknown keys refused.

The defaults of `TrainingSettings` are the paper's recipe as printed (sections 4 and 5); the defaults of
`repro.net.table.settings.NetSettings` are its net. A study changes named fields of them, a variant changes
one more thing, and what comes out is a `RunSettings` in which nothing is left open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from repro.net.table.settings import NetSettings
from repro.settings import Settings
from repro.study.tuning import Tuning

Order = Literal["each_epoch", "fixed"]
Mean = Literal["picture", "centre_of_picture", "channel"]
Precision = Literal["float32", "float64", "tf32", "bf16"]
Share = Annotated[float, Field(ge=0, le=1)]


class DataSettings(Settings):
    """Which pictures are prepared, and how (section 2 of the paper)."""

    size: int = Field(256, ge=8, le=1024, description="shorter side and central crop, pixels")
    classes: Literal["all"] | Annotated[int, Field(ge=2)] | tuple[str, ...] = Field(
        "all", description="all, a number chosen by class_seed, or a list of class names"
    )
    class_seed: int = Field(
        0, ge=0, description="seed of the choice of classes, when `classes` is a number, and of pictures"
    )
    exclude_classes: tuple[str, ...] = Field((), description="never chosen, for instance tuning classes")
    exclude_pictures: tuple[str, ...] = Field(
        (), description="never chosen, by base name; a name that no picture has is allowed"
    )
    train_per_class: Literal["all"] | Annotated[int, Field(ge=1)] = Field(
        "all", description="training pictures of each class"
    )
    validation_per_class: int = Field(
        0, ge=0, description="taken off the training pictures; only the plateau schedule reads them"
    )
    held_out: Literal["validation", "validation_and_rest"] = Field(
        "validation",
        description="errors are reported on the data set's own validation split, or on it plus all "
        "training pictures that were not chosen",
    )
    filter: Literal["bicubic", "bilinear"] = Field("bicubic", description="resampling filter; the paper names none")

    @model_validator(mode="after")
    def _no_class_twice(self) -> DataSettings:
        if isinstance(self.classes, tuple) and (len(set(self.classes)) != len(self.classes) or len(self.classes) < 2):
            raise ValueError("classes: a list needs at least two names, none twice")
        return self


class Schedule(Settings):
    """When the learning rate falls (section 5)."""

    kind: Literal["plateau", "steps"] = Field(
        "plateau", description="plateau: when the validation error stops improving; steps: at fixed shares"
    )
    factor: float = Field(0.1, gt=0, lt=1, description="the rate is multiplied by this")
    reductions: int = Field(3, ge=0, description="plateau: falls before the run ends at the next plateau")
    patience: int = Field(5, ge=1, description="plateau: epochs without a better validation error")
    at: tuple[Share, ...] = Field((), description="steps: shares of the training at which the rate falls")

    @model_validator(mode="after")
    def _ascending(self) -> Schedule:
        if list(self.at) != sorted(set(self.at)):
            raise ValueError(f"at: {list(self.at)} must ascend without repetition")
        return self


class Augmentation(Settings):
    """Random changes of training pictures (section 4.1)."""

    crops: Literal["per_picture", "per_32", "centre"] = Field(
        "per_picture", description="random crop position per picture, shared by 32 (authors' code), or none"
    )
    reflections: bool = Field(True, description="mirror half of the pictures")
    colour_noise: float = Field(
        0.1, ge=0, description="deviation of the factor on each principal component's standard deviation"
    )
    colour_noise_off_epoch: int | None = Field(
        None, ge=0, description="no colour noise from this epoch on (authors' code)"
    )
    divide_after_noise: float = Field(
        1.0, gt=0, description="training pictures are divided by this (authors' code: 1.1)"
    )


class PictureSettings(Settings):
    """Which of the prepared pictures a run reads, and what is done to all of them; the paper: all, as they are.

    The run's view of the store is made in repro/data/chosen_pictures.py.
    """

    share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="fraction of each class's training pictures; smaller fractions are subsets of larger ones",
    )
    classes: Literal["all", "first_half", "second_half"] = Field(
        "all", description="half of the list of classes, in training and in every error; the net keeps all outputs"
    )
    half_split: int | None = Field(
        None,
        ge=0,
        description="key of a random cut of the training pictures: one half is trained on, errors are of the other",
    )
    colour: Literal["rgb", "grey"] = Field("rgb", description="grey: each channel is the mean of the three")

    @model_validator(mode="before")
    @classmethod
    def _without_former_key(cls, raw: Any) -> Any:
        """Evidence that was recorded before `net.input_positions` was there says of every run `pixels: in_place`."""
        if isinstance(raw, Mapping) and raw.get("pixels") == "in_place":
            return {key: value for key, value in raw.items() if key != "pixels"}
        return raw

    @property
    def portion(self) -> float:
        """About which part of the training pictures is trained on."""
        return self.share * (0.5 if self.classes != "all" else 1.0) * (0.5 if self.half_split is not None else 1.0)


class TrainingSettings(Settings):
    """The recipe (section 5). Everything here can change a number, so all of it is in the run identity."""

    batch_size: int = Field(128, ge=1, description="pictures a step")
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(0.0005, ge=0, description="inside the velocity, times the learning rate")
    weight_decay_dose: float | None = Field(
        None,
        gt=0,
        description="takes weight_decay's place: the decay for which the sum of rate x decay / (1 - momentum) over "
        "the planned steps is this; the paper's schedule has about 12.8",
    )
    decay_biases: bool = Field(
        False, description="the print says 'weight'; the authors' code (src/layer.cu): no decay of biases"
    )
    learning_rate: float = Field(0.01, gt=0, description="at the start")
    bias_learning_rate_factor: float = Field(1.0, gt=0, description="authors' code: 2")
    bias_rate_follows_schedule: bool = Field(True, description="authors' code: biases keep their rate")
    epochs: int = Field(90, ge=1, description="passes over the training pictures; plateau: at most")
    schedule: Schedule = Schedule()
    order: Order = Field("each_epoch", description="pictures shuffled anew each epoch, or once (authors' code)")
    mean: Mean = Field(
        "picture",
        description="what is subtracted: the mean picture at the crop's place, its centre (authors' code), "
        "or the mean of each channel",
    )
    augmentation: Augmentation = Augmentation()
    pictures: PictureSettings = PictureSettings()
    precision: Precision = Field("float32", description="bf16 and tf32 need a GPU; never used on CPU")
    curve_every: int = Field(1, ge=1, description="epochs between points of the learning curve")
    curve_every_steps: int | None = Field(
        None, ge=1, description="also the training error at every so many steps, between the epochs' points"
    )
    curve_pictures: int = Field(500, ge=1, description="pictures of each split for a point of the curve")

    @model_validator(mode="after")
    def _steps_need_fractions(self) -> TrainingSettings:
        if self.schedule.kind == "plateau" and self.schedule.at:
            raise ValueError("schedule.at is only for kind: steps")
        return self

    @model_validator(mode="after")
    def _one_weight_decay(self) -> TrainingSettings:
        if self.weight_decay_dose is None:
            return self
        if self.weight_decay != type(self).model_fields["weight_decay"].default:
            raise ValueError(
                f"weight_decay: {self.weight_decay} is not read beside weight_decay_dose: {self.weight_decay_dose}; "
                "give it its default, 0.0005, or leave the dose out"
            )
        if self.schedule.kind == "plateau":
            raise ValueError("weight_decay_dose needs schedule.kind: steps: when a plateau comes is not planned")
        return self


class RunSettings(Settings):
    """Everything that decides a run's numbers apart from seed, parent and pictures."""

    data: DataSettings
    net: NetSettings
    training: TrainingSettings

    @model_validator(mode="after")
    def _crop_fits(self) -> RunSettings:
        if self.net.geometry.crop > self.data.size:
            raise ValueError(f"net.geometry.crop: {self.net.geometry.crop} is larger than data.size: {self.data.size}")
        if self.training.schedule.kind == "plateau" and self.data.validation_per_class == 0:
            raise ValueError(
                "training.schedule.kind: plateau reads a validation error, so data.validation_per_class "
                "must be above 0 (or use kind: steps)"
            )
        return self


class EvaluationSettings(Settings):
    """How finished runs are measured; changes nothing in a run."""

    CHANGES_NO_NUMBER: ClassVar = ("batch",)
    """Settings that change nothing but rounding."""

    train_sample: int = Field(1000, ge=1, description="fixed training pictures for the training error")
    batch: int = Field(64, ge=1, description="pictures at once")
    view_pictures: int = Field(40, ge=1, description="held-out pictures seen in ten views, off centre and recoloured")
    hidden_pictures: int = Field(500, ge=2, description="held-out pictures for correlations between hidden units")
    dropout_pictures: int = Field(100, ge=1, description="held-out pictures whose nets under dropout are averaged")
    dropout_masks: int = Field(200, ge=1, description="masks a picture for that average")
    neighbour_queries: int = Field(60, ge=1, description="held-out pictures whose nearest training pictures are found")
    neighbour_database: int = Field(240, ge=7, description="training pictures among which they are found")
    code_bits: int = Field(32, ge=1, description="bits of the binary codes made of features and of pixels")
    selectivity_permutations: int = Field(199, ge=99, description="shuffled copies of a kernel that it is held against")

    def deciding(self) -> dict[str, Any]:
        """The settings that decide a number, by name."""
        return self.model_dump(mode="json", exclude=set(self.CHANGES_NO_NUMBER))


_NAME = re.compile(r"[a-z][a-z0-9_-]*")


class Study(Settings):
    """One file in `studies/`."""

    study: str = Field(description="its name, equal to the file's")
    summary: str
    fidelity: Literal["paper", "authors", "modern"] = "paper"
    scaling: str = Field("none", description="a rule of repro/study/scaling.py")
    # No default: dvc.yaml's stage prepare reads this key, and DVC fails, after the stage, where it is missing.
    data: dict[str, Any]
    net: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    evaluation: EvaluationSettings = EvaluationSettings()
    variants: tuple[str, ...] = Field(min_length=1)
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1)
    looks: Literal["fixed", "two"] = "fixed"
    family: tuple[str, ...] = Field((), description="the statements that this study is designed to decide")
    smallest_effects: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        default_factory=dict,
        description="statement -> the smallest effect of interest, in its metric's own unit, errors as fractions",
    )
    tuning: Tuning | None = Field(None, description="variants whose learning rate is searched before the report")

    @model_validator(mode="after")
    def _consistent(self) -> Study:
        if not _NAME.fullmatch(self.study):
            raise ValueError(f"study: {self.study!r} must be lower-case letters, digits, - and _")
        if self.variants[0] != "base":
            raise ValueError("variants: the first must be base, which the others are compared with")
        for key in ("variants", "seeds", "family"):
            values = getattr(self, key)
            if len(set(values)) != len(values):
                raise ValueError(f"{key}: {list(values)} names something twice")
        if self.looks == "two" and len(self.seeds) != 12:
            raise ValueError(
                f"looks: two judges after 6 and after 12 seeds, so it needs exactly 12; seeds has {len(self.seeds)}"
            )
        if self.tuning is not None:
            self._check_tuning(self.tuning)
        return self

    def _check_tuning(self, tuning: Tuning) -> None:
        if unknown := [name for name in tuning.variants if name not in self.variants]:
            raise ValueError(f"tuning.variants: {', '.join(unknown)} is not among the study's variants")
        if both := sorted(set(tuning.seeds) & set(self.seeds)):
            raise ValueError(
                f"tuning.seeds: {', '.join(map(str, both))} is among the study's seeds too; a rate that was chosen on "
                "the runs it is reported on looks better than it is: use other seeds"
            )


class Variant(Settings):
    """One entry of `variants.yaml`: the study's net or recipe with one named thing changed."""

    summary: str
    changes: dict[str, Any] = Field(
        default_factory=dict, description="dotted key -> value, or an operator of repro/study/changes.py"
    )
    parent: str | None = Field(
        None, description="the variant from whose final weights, of the same seed, its runs start"
    )
    check_of: tuple[str, ...] = Field(
        (),
        description="statements that it bears on though their claims, by the registry, do not read it",
    )
