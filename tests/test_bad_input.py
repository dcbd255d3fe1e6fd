"""Mistakes, damage, a full disk: one clear error each, exit code 2, and nothing lost.

One table. Each row spoils a finished project in its own way and gives a command, as a user types it, with
what its one line of an error must say.
"""

from __future__ import annotations

import errno
import json
import re
import shlex
import shutil
import tarfile
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from repro.scheduling import worker
from tests.broken_disk import At, broken_disk, broken_for_children
from tests.data import miniatures as mini
from tests.data.miniatures import put
from tests.pytest_here import pytest_here
from tests.small_project import STUDY, Answer, Place, answer_of, nothing_lost, repro, the_error
from tests.spoiling import (
    Spoil,
    archives,
    both,
    checkpoint,
    content,
    cut,
    edited,
    evidence,
    file_instead,
    folder_instead,
    gone,
    image_folder,
    judged,
    mine,
    other_numbers,
    packed,
    params,
    recorded,
    registry,
    root,
    run,
    study,
    twice,
    unfinished,
    variant,
    with_picture,
    without_key,
)
from tests.workers_here import use_workers_here


@dataclass(frozen=True)
class Case:
    """A way to be wrong: what is spoilt, what is typed, what the error says."""

    name: str
    command: str
    says: tuple[str, ...]
    spoil: Spoil
    disk: tuple[str, int, At, int] | None = None
    in_workers: bool = False


CASES: list[Case] = []


def case(name: str, command: str, *says: str, spoil: Spoil = lambda place: None) -> None:
    CASES.append(Case(name, command, says, spoil))


# ---- pictures ----------------------------------------------------------------------------------------


def with_a_link(archive: Path) -> bytes:
    """The archive with one more picture, which is a link to none."""
    with tarfile.open(archive, "a") as opened:
        info = tarfile.TarInfo(f"set/train/{mini.SORTED[0]}/x.jpeg")
        info.type, info.linkname = tarfile.SYMTYPE, "gone.jpeg"
        opened.addfile(info)
    return archive.read_bytes()


def floats() -> bytes:
    return mini.encoded(np.linspace(0, 1, 900, dtype=np.float32).reshape(30, 30), "TIFF")


KIT, TRAIN = "ILSVRC2012_devkit_t12.tar.gz", "ILSVRC2012_img_train.tar"
USE = "repro use-data {mine} --as mine"

case("truncated tar", USE, TRAIN, "cut short", spoil=both(archives, cut(mine(TRAIN))))
case("missing devkit", USE, "no development kit", KIT, spoil=both(archives, gone(mine(KIT))))
case(
    *("label file of the wrong length", USE, "9 lines", "10 pictures"),
    spoil=both(archives, lambda place: put(place.mine / KIT, mini.devkit(ids=mini.validation_ids()[:-1]))),
)
case("damaged devkit", USE, KIT, "fetch it again", spoil=both(archives, cut(mine(KIT))))
case(
    *("an archive that is not the official one", f"{USE} --verify", TRAIN, "fetch it again"),
    spoil=archives,
)
case("empty folder", USE, "no known layout", "ImageFolder", spoil=lambda place: place.mine.mkdir())
case("unknown layout", USE, "no known layout", "labels.csv", spoil=content(mine("labels.csv"), "a,b"))
case("missing path", USE, "mine does not exist")
case("a file where a folder is wanted", USE, "neither a folder nor an archive", spoil=content(mine(), "x"))
case(
    *("a class in one split only", USE, "only train/ has", mini.SORTED[0]),
    spoil=both(image_folder, gone(mine(f"val/{mini.SORTED[0]}"))),
)
case("no held-out split", USE, "val/", spoil=both(image_folder, gone(mine("val"))))
case(
    *("a copy among numbered pictures", USE, "ILSVRC2012_val_00000003 (1).JPEG", "no number of 1 to 10"),
    spoil=both(
        lambda place: mini.ilsvrc_folders(place.mine), content(mine("val/ILSVRC2012_val_00000003 (1).JPEG"), "x")
    ),
)
case(
    *("a table with a key twice", USE, "LOC_synset_mapping.txt", "twice, in lines 5 and 6"),
    spoil=lambda place: put(
        mini.kaggle(place.mine) / "LOC_synset_mapping.txt",
        "".join(f"{wnid} words\n" for wnid in (*mini.SORTED, mini.SORTED[-1])),
    ),
)
case(
    *("a class unpacked twice", USE, mini.SORTED[0], "are there twice"),
    spoil=both(
        image_folder,
        lambda place: shutil.copytree(
            place.mine / "train" / mini.SORTED[0], place.mine / "train" / mini.SORTED[0] / "again"
        ),
    ),
)
case(
    *("a link to itself", USE, "train/x", "symbolic links"),
    spoil=both(image_folder, lambda place: (place.mine / "train" / "x").symlink_to("x")),
)
case(
    *("an archive with a link to nothing", "repro use-data {mine}/set.tar --as mine", "x.jpeg", "the archive lacks"),
    spoil=lambda place: put(place.mine / "set.tar", with_a_link(mini.image_folder_tar(place.mine))),
)
case(
    *("pictures inside data/", "repro use-data data/mine --as mine", "data", "move the pictures elsewhere"),
    spoil=lambda place: mini.image_folder(place.root / "data" / "mine"),
)
case("a bad name", "repro use-data {mine} --as 'My Set'", "'My Set'", "lower-case", spoil=image_folder)
case(
    *("a name that stands for others", "repro use-data {mine} --as colours", "colours already stands for"),
    spoil=lambda place: mini.tiny_imagenet(place.mine),
)
case(
    *("data/ is not pulled", USE, "dvc pull data.dvc"),
    spoil=both(image_folder, gone(root("data")), content(root("data.dvc"), "outs: []")),
)
case(
    *("pointers damaged", USE, ".data-paths.json", "not valid JSON"),
    spoil=both(image_folder, cut(root(".data-paths.json"))),
)
case(
    *("DVC knows no repository here", USE, "`dvc add", "data"),
    spoil=both(image_folder, gone(root(".dvc"))),
)
PREPARE = "repro prepare small"
case("zero-byte picture", PREPARE, "bad.JPEG", "empty", "--skip-bad", spoil=with_picture(lambda good: b""))
case("truncated JPEG", PREPARE, "bad.JPEG", "--skip-bad", spoil=with_picture(lambda good: good[:-200]))
case("floats in a TIFF", PREPARE, "bad.JPEG", "not whole numbers", "8 bits", spoil=with_picture(lambda good: floats()))
case("text named JPEG", PREPARE, "bad.JPEG", "not a picture", spoil=with_picture(lambda good: b"hello " * 9))
case(
    *("the folder has moved", PREPARE, "colours does not exist"),
    spoil=both(
        gone(lambda place: place.store / "pictures"),
        lambda place: place.colours.rename(place.folder / "moved"),
    ),
)
case(
    *("a picture has gone since", PREPARE, "found 19 train", "registered 20 train"),
    spoil=both(
        gone(lambda place: place.store / "pictures"),
        gone(lambda place: next(place.colours.glob("train/*/a*"))),
    ),
)
case(
    *("nobody has said where the pictures are", PREPARE, "REPRO_DATA_COLOURS", "repro use-data"),
    spoil=both(gone(lambda place: place.store / "pictures"), gone(root(".data-paths.json"))),
)
case(
    *("the study's data are not registered", PREPARE, "data/elsewhere/manifest.json", "repro use-data"),
    spoil=params(studies={"small": "elsewhere"}),
)
case(
    *("a manifest of a later schema", PREPARE, "manifest.json", "schema 9", "update the program"),
    spoil=edited(root("data/colours/manifest.json"), schema=9),
)
case(
    *("a manifest without counts", PREPARE, "manifest.json", "counts is missing"),
    spoil=edited(root("data/colours/manifest.json"), counts=...),
)
case(
    *("too few pictures in a class", PREPARE, "has 4 training pictures", "data.train_per_class"),
    spoil=study(data={"train_per_class": 5}),
)
case(
    *("more classes than there are", PREPARE, "data.classes", "6 classes, 5 are available"),
    spoil=study(data={"classes": 6}),
)
case(
    *("a class that is not there", PREPARE, "data.classes", "zebra"),
    spoil=study(data={"classes": ["zebra", mini.SORTED[0]]}),
)
case("the store is a file", PREPARE, ".store", spoil=file_instead(root(".store")))
case("results is a file", PREPARE, "results", spoil=file_instead(root("results")))
SUBSET = "repro subset colours {mine} --size 16 --held-out-per-class 1"
case(
    *("a subset of more classes", f"{SUBSET} --classes 6 --per-class 1", "6 classes, 5 are available"),
)
case(
    *("a subset of more pictures", f"{SUBSET} --classes 2 --per-class 9", "has 4 train pictures, 9"),
)
case(
    *("a subset on top of something", f"{SUBSET} --classes 2 --per-class 1", "mine exists already"),
    spoil=image_folder,
)
case(
    *("a subset among the pictures", "repro subset colours {colours}/new --classes 2", "nothing is ever written"),
)

# ---- settings ----------------------------------------------------------------------------------------

PLAN = "repro plan small"
FILE = "studies/small.yaml"
case("an unknown key in a study", PLAN, FILE, "epoch", "allowed", "epochs", spoil=study(training={"epoch": 3}))
case("an unknown key at a study's top", PLAN, FILE, "sedes", "seeds", spoil=study(sedes=[1]))
case("a key is missing", PLAN, FILE, "seeds is missing", spoil=without_key("seeds"))
case("a wrong type", PLAN, FILE, "training.epochs", "'two'", "integer", spoil=study(training={"epochs": "two"}))
case("a number out of range", PLAN, FILE, "training.momentum", "1.5", spoil=study(training={"momentum": 1.5}))
case("a section that is none", PLAN, FILE, "net", "'wide'", spoil=study(net="wide"))
case("a negative seed", PLAN, FILE, "seeds", "-1", spoil=study(seeds=[1, -1]))
case("a seed twice", PLAN, FILE, "seeds", "twice", spoil=study(seeds=[1, 1]))
case("no seed", PLAN, FILE, "seeds", "at least 1", spoil=study(seeds=[]))
case("an unknown variant", PLAN, FILE, "'wider'", "variants.yaml", spoil=study(variants=["base", "wider"]))
case("base is not the first", PLAN, FILE, "first must be base", spoil=study(variants=["dense", "base"]))
case("another name than its file's", PLAN, FILE, "'large'", "'small'", spoil=study(study="large"))
case("an unknown fidelity", PLAN, FILE, "fidelity", "'printed'", "'paper'", spoil=study(fidelity="printed"))
case("an unknown scaling", PLAN, "scaling", "'tiny'", "allowed", "small", spoil=study(scaling="tiny"))
case("a crop larger than the picture", PLAN, FILE, "crop: 16", "size: 12", spoil=study(data={"size": 12}))
case(
    *("plateau without validation pictures", PLAN, FILE, "validation_per_class"),
    spoil=study(training={"schedule": {"kind": "plateau", "at": []}}),
)
case(
    *("a section twice in a study", PLAN, FILE, "the key 'training' stands twice"),
    spoil=lambda place: put(place.root / FILE, (place.root / FILE).read_bytes() + b"training: {epochs: 3}\n"),
)
case(
    *("classes that YAML reads as numbers", PLAN, FILE, "data.classes.0: 1 is not allowed", "quotes", '"1"'),
    spoil=study(data={"classes": [1, 2]}),
)
case(
    *(
        "classes of no form at all",
        PLAN,
        FILE,
        "data.classes: 1.5 is not allowed",
        "'all' or a valid integer or a list",
    ),
    spoil=study(data={"classes": 1.5}),
)
case(
    *("data that YAML reads as a number", PLAN, "params.yaml: studies: small: 2012", "quotes", '"2012"'),
    spoil=params(studies={"small": 2012}),
)
case(
    *("data that YAML reads as a date", PLAN, "params.yaml: studies: small: 2012-12-03", "quotes"),
    spoil=content(root("params.yaml"), "studies: {small: 2012-12-03}"),
)
case(
    *("a study that YAML reads as a truth value", "repro plan", "params.yaml: studies: True", "quotes", '"true"'),
    spoil=params(studies={True: "colours"}),
)
case("a study that is not YAML", PLAN, FILE, "not valid YAML", spoil=content(root(FILE), "study: [small\n"))
case("a study that is a list", PLAN, FILE, "mapping", spoil=content(root(FILE), "- small\n"))
case("a study that is no text", PLAN, FILE, "not valid YAML", spoil=content(root(FILE), b"\x80\x81small"))
case("a study that is a folder", PLAN, "no study 'small'", spoil=folder_instead(root(FILE)))
case("no such study", "repro plan large", "no study 'large'", "small")
case(
    *("a checkout by another one's program", PLAN, "this is the program of", "place/project has its own", "bin/repro"),
    spoil=content(root("repro/__init__.py"), ""),
)
case("a study without data", "repro plan smoke", "'smoke'", "params.yaml", "studies:")
case(
    *("params.yaml maps nothing", PLAN, "params.yaml", "studies:"),
    spoil=params(studies=["small"]),
)
case("a variant's unknown key", PLAN, "variants.yaml: odd", "chnges", spoil=variant({"summary": "s", "chnges": {}}))
case("a variant that is no mapping", PLAN, "variants.yaml: odd", spoil=variant("wide"))
case(
    *("a variant of an unknown setting", PLAN, "variants.yaml: odd", "net.colour"),
    spoil=variant({"summary": "s", "changes": {"net.colour": "red"}}),
)
case(
    *("a variant without a section", PLAN, "variants.yaml: odd", "epochs", "training."),
    spoil=variant({"summary": "s", "changes": {"epochs": 3}}),
)
case(
    *("a variant that changes nothing", PLAN, "variants.yaml: odd", "changes nothing", "training.epochs"),
    spoil=variant({"summary": "s", "changes": {"training.epochs": 2}}),
)
case(
    *("a variant that multiplies by no number", PLAN, "variants.yaml: odd", "training.momentum", "'half'"),
    spoil=variant({"summary": "s", "changes": {"training.momentum": {"times": "half"}}}),
)
case(
    *("a variant with an unknown operator", PLAN, "variants.yaml: odd", "plus", "allowed", "times"),
    spoil=variant({"summary": "s", "changes": {"training.momentum": {"plus": 0.1}}}),
)
case(
    *("a variant of an unknown parent", PLAN, "variants.yaml", "'nobody'"),
    spoil=variant({"summary": "s", "changes": {}, "parent": "nobody"}),
)
case(
    *("a variant that is its own parent", PLAN, "variants.yaml", "odd", "parent"),
    spoil=variant({"summary": "s", "changes": {}, "parent": "odd"}),
)
case(
    *("a search on the study's own seeds", PLAN, FILE, "tuning.seeds", "1", "use other seeds"),
    spoil=study(tuning={"variants": ["base"], "seeds": [1], "learning_rates": [0.1, 0.2]}),
)
case(
    *("a search among one rate", PLAN, FILE, "learning_rates", "at least 2"),
    spoil=study(tuning={"variants": ["base"], "seeds": [9], "learning_rates": [0.1]}),
)
case(
    *("a net whose maps vanish", PLAN, "pooling"),
    spoil=study(net={**STUDY["net"], "pooling": {"size": 9, "stride": 9}}),
)
case(
    *("an odd width for two towers", PLAN, "widths", "9"),
    spoil=study(net={**STUDY["net"], "widths": {"conv": [9, 8, 8, 8, 8], "fc": [16, 16]}}),
)
case(
    *("a statement that is not in the registry", "repro train small", "S999", "statements.yaml"),
    spoil=both(unfinished, study(family=["S999"])),
)
case(
    *("the registry has an unknown key", "repro train small", "statements.yaml", "colour"),
    spoil=registry(gates={"colour": 1}),
)
case("an unknown option", "repro --version-of-nothing", "No such option", "--help")
case("not a number", "repro train small --seed one", "--seed", "integer", "--help")
case("a number below its range", "repro train small --workers 0", "--workers", "equal to 1", "--help")
case("no such command", "repro trian", "trian", "--help")
case("a study is needed", "repro train", "no study was named", "repro train smoke")
case("an unknown fidelity to describe", "repro describe --fidelity printed", "printed", "paper, authors, modern")
case("a variant that a study lacks", "repro describe --study small --variant odd", "--variant odd", "base")

# ---- training ----------------------------------------------------------------------------------------

T = "repro train small"
W = "worker"  # the process that trains one run, here without its trainer
case("not prepared", T, "prepared.json does not exist", "repro prepare small", spoil=gone(root("results")))
case("prepared.json is damaged", T, "prepared.json", spoil=cut(root("results/small/prepared.json")))
case(
    *("prepared.json lacks a key", T, "prepared.json", "digest", "repro prepare small"),
    spoil=edited(root("results/small/prepared.json"), digest=...),
)
case("a variant that the study lacks", f"{T} --variant odd", "--variant odd", FILE, "base")
case("a seed that the study lacks", f"{T} --seed 7", "--seed 7", FILE, "1")
if not torch.cuda.is_available():
    case("no GPU", f"{T} --device cuda", "--device cuda", "cpu", spoil=unfinished)
    case("no second GPU", f"{W} --device cuda:1", "--device cuda:1", "cpu", spoil=unfinished)
case("no such device to train on", f"{T} --device tpu", "error: --device tpu", "use cpu", spoil=unfinished)
case("no such device", f"{W} --device tpu", "--device tpu", "cpu", spoil=unfinished)
case("one device for two towers", f"{T} --placement split --device cuda:0", "takes 2 devices", "in pairs")
case("an unknown placement", f"{T} --placement both", "both", "single", "split", "ranks")
case("bf16 on CPU", T, "training.precision", "bf16", "float32", spoil=study(training={"precision": "bf16"}))
case(
    *("a damaged checkpoint", T, "base seed 1", "checkpoint.pt", "delete it"),
    spoil=both(unfinished, content(run("checkpoint.pt"), b"not a checkpoint")),
)
case("a checkpoint of a later schema", W, "checkpoint.pt", "schema 9", spoil=checkpoint(schema=9))
case(
    *("another run's checkpoint", W, "checkpoint.pt", "belongs to run other"),
    spoil=checkpoint(schema=1, identity="other"),
)
case(
    *("a checkpoint without weights", W, "checkpoint.pt", "delete it"),
    spoil=lambda place: checkpoint(schema=1, identity=place.run.name)(place),
)
case(
    *("damaged settings of a run", W, "settings.json", "remove"),
    spoil=both(unfinished, cut(run("settings.json"))),
)
case(
    *("settings of a run without its seed", T, "settings.json", "seed", "remove"),
    spoil=both(unfinished, edited(run("settings.json"), seed=...)),
)
case(
    *("settings that are another run's", W, "settings.json", "does not describe run", "remove"),
    spoil=both(unfinished, edited(run("settings.json"), seed=2)),
)
case("a damaged record of a run", T, "run.json", "remove", spoil=cut(run("run.json")))
case(
    *("packed pictures cut short", T, "train_pictures.npy", "repro prepare"),
    spoil=both(unfinished, cut(packed("train_pictures.npy"))),
)
case(
    *("packed labels are missing", W, "train_labels.npy", "repro prepare"),
    spoil=both(unfinished, gone(packed("train_labels.npy"))),
)
case(
    *("packed manifest is damaged", PREPARE, "manifest.json", "repro prepare"),
    spoil=edited(packed("manifest.json"), colour=...),
)
case(
    *("packed pictures of a later schema", W, "manifest.json", "schema 9"),
    spoil=both(unfinished, edited(packed("manifest.json"), schema=9)),
)
case("a file where a run's folder is wanted", T, "runs", spoil=file_instead(run()))

# ---- evaluation, evidence, report --------------------------------------------------------------------

E = "repro evaluate small"
case("measuring on two devices", f"{E} --device cpu,cpu", "--device cpu,cpu", "measured on one device")
R = "repro report small"
case("not trained", E, "not trained yet", "base seed 1", "repro train small", spoil=unfinished)
case("damaged weights", E, "weights.safetensors", "digest", "remove", spoil=cut(run("weights.safetensors"), 0.99))
case("missing weights", E, "weights.safetensors is missing", spoil=gone(run("weights.safetensors")))
case("a damaged log", E, "log.jsonl", "remove", spoil=cut(run("log.jsonl"), 0.4))
case("evaluated on no such device", f"{E} --device tpu", "--device tpu", "cpu")
case("evaluated on no GPU", f"{E} --device cuda:7", "--device cuda:7", "cpu")
case(
    *("recorded evidence of a later schema", E, "evidence/small/study.json", "schema 9", "newer"),
    spoil=both(recorded, edited(lambda place: place.recorded / "study.json", schema=9)),
)
case(
    *("evidence without runs", R, "runs.jsonl does not exist"),
    spoil=both(judged, gone(evidence("runs.jsonl"))),
)
case("evidence with a bad line", R, "runs.jsonl line 1", "JSON", spoil=both(judged, cut(evidence("runs.jsonl"))))
case("damaged arrays", R, "arrays.npz", "damaged", spoil=both(judged, cut(evidence("arrays.npz"))))
case(
    *("evidence lacks a key", R, "study.json", "seeds"),
    spoil=both(judged, edited(evidence("study.json"), seeds=...)),
)
case(
    *("evidence of a wrong type", R, "study.json", "variants"),
    spoil=both(judged, edited(evidence("study.json"), variants=3)),
)
case("no evidence", R, "evidence", spoil=both(judged, gone(evidence())))
case("no verdicts", R, "verdicts.json does not exist")
case("broken verdicts", R, "verdicts.json", "JSON", spoil=content(root("results/small/verdicts.json"), "[{"))
case(
    *("verdicts of another shape", R, "verdicts", "lacks", "section"),
    spoil=content(root("results/small/verdicts.json"), '[{"id": "S61c"}]'),
)
case("damaged arrays to record", "repro record small", "arrays.npz", "damaged", spoil=cut(evidence("arrays.npz")))
case("nothing to record", "repro record small", "evidence does not exist", spoil=gone(evidence()))
case(
    *("other numbers for a recorded run", "repro record small", "train_error", "same identity"),
    spoil=both(recorded, other_numbers),
)
case(
    *("a file where evidence is wanted", "repro record small", "evidence/small", "file"),
    spoil=file_instead(lambda place: place.recorded),
)
case("verdicts without evidence", "repro verdicts small", "evidence", "repro evaluate", spoil=gone(evidence()))
P = "pytest claims --evidence results/small/evidence"
case("evidence that is not there", "pytest claims --evidence nowhere", "nowhere is not an evidence directory")
case("later evidence to judge", P, "facts.json", "schema 9", "newer", spoil=edited(evidence("facts.json"), schema=9))
case("a run twice", P, "runs.jsonl", "twice", spoil=twice)
case(
    *("the registry has a key too many", P, "statements.yaml", "colour"),
    spoil=registry(gates={"colour": 1}),
)


# ---- a disk that is full, a folder without permission --------------------------------------------------

FULL, DENIED = "No space left on device", "Permission denied"


def disk(
    name: str,
    command: str,
    at: At,
    where: str,
    *,
    spoil: Spoil = lambda place: None,
    spared: int = 0,
    in_workers: bool = False,
) -> None:
    number, words = (errno.EACCES, DENIED) if at == "open" else (errno.ENOSPC, FULL)
    CASES.append(Case(name, command, (words,), spoil, (where, number, at, spared), in_workers))


again = gone(lambda place: place.store / "pictures")
measured_anew = gone(evidence())
disk("prepare may not write", PREPARE, "open", "{store}", spoil=again)
disk("prepare fills the disk", PREPARE, "write", "{store}", spoil=again)
disk("prepare fills the disk late", PREPARE, "write", "{store}", spoil=again, spared=5)
disk("prepare cannot name its folder", PREPARE, "rename", "{packed}", spoil=again)
disk("prepare may not write its result", PREPARE, "open", "{root}/results")
disk("train may not make a run", T, "open", "{store}/runs", spoil=gone(run()))
disk("train may not write its result", T, "open", "{root}/results")
disk("a worker may not write", T, "open", "{store}/runs", spoil=unfinished, in_workers=True)
disk("a worker's disk is full", T, "write", "{store}/runs", spoil=unfinished, in_workers=True)
disk("a worker's disk is full at the end", T, "write", "{store}/runs", spoil=unfinished, in_workers=True, spared=4)
disk("evaluate may not write to the store", E, "open", "{store}")
disk("evaluate fills the disk", E, "write", "{root}/results")
disk("evaluate may not write its result", E, "open", "{root}/results")
disk("evaluate cannot put the new evidence in place", E, "rename", "{evidence}")
disk("record may not write", "repro record small", "open", "{root}/evidence")
disk("record fills the disk", "repro record small", "write", "{root}/evidence", spoil=recorded)
disk("record cannot put the new evidence in place", "repro record small", "rename", "{recorded}", spoil=recorded)
disk("report may not write", R, "open", "{root}/results", spoil=judged)
disk("report fills the disk", R, "write", "{root}/results", spoil=judged)
disk("use-data may not write", USE, "open", "{root}", spoil=image_folder)
disk("use-data fills the disk", USE, "write", "{root}", spoil=image_folder)
disk("subset fills the disk", f"{SUBSET} --classes 2 --per-class 1", "write", "{folder}")
disk("make-pictures may not write", "repro make-pictures {mine} --side 16 --train-per-class 1", "open", "{mine}")


# ---- the test ----------------------------------------------------------------------------------------


def typed(place: Place, command: str) -> Answer:
    """What a command says that is typed in the project."""
    program, *arguments = shlex.split(filled(place, command))
    if program == "repro":
        return repro(place.root, *arguments)
    if program == "worker":
        run_named = ["--store", str(place.store), "--run", place.run.name]
        return answer_of(lambda: worker.main([*run_named, *arguments]))
    answer = pytest_here(place.root, *arguments)
    return replace(answer, err=answer.err.replace("Exit: ", "error: "))  # pytest's own word


def filled(place: Place, text: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: str(getattr(place, found[1])), text)


@pytest.mark.parametrize("wrong", CASES, ids=lambda wrong: wrong.name)
def test_one_clear_error_and_nothing_lost(
    wrong: Case, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "stop_on_signals", lambda: lambda: False)  # pytest keeps its own handlers
    broken = Path(filled(place, wrong.disk[0])) if wrong.disk else tmp_path
    wrong.spoil(place)
    faulty = nullcontext()
    if not wrong.in_workers:
        use_workers_here(monkeypatch)
    if wrong.disk is not None:
        _, number, at, spared = wrong.disk
        if wrong.in_workers:
            broken_for_children(tmp_path, monkeypatch, broken, number, at, spared)
        else:
            faulty = broken_disk(broken, number, at, spared)
    with nothing_lost(place.folder), faulty:
        answer = typed(place, wrong.command)
    sentence = the_error(answer)
    for words in wrong.says:
        assert words in sentence
    assert len(sentence) < 1000


def test_the_table_is_long_enough_and_has_no_row_twice() -> None:
    assert len(CASES) >= 35
    assert len({row.name for row in CASES}) == len(CASES)


def rgba_png(good: bytes) -> bytes:
    return mini.encoded(np.dstack([mini.noise(2, 30, 30), np.full((30, 30), 90, np.uint8)]), "PNG")


def sixteen_bit(good: bytes) -> bytes:
    return mini.encoded(np.full((30, 30), 40000, np.uint16), "PNG")


def grey(good: bytes) -> bytes:
    return mini.encoded(mini.noise(3, 30, 30)[:, :, 0])


def cmyk(path: Path) -> bytes:
    Image.fromarray(mini.noise(4, 30, 30)).convert("CMYK").save(path, "JPEG")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("what", "odd"),
    [(rgba_png, "PNG named .jpeg, alpha dropped"), (sixteen_bit, "16-bit"), (grey, None), (cmyk, "CMYK JPEG")],
    ids=["a PNG named JPEG", "16 bits", "grey", "CMYK"],
)
def test_odd_pictures_are_prepared_and_named(what, odd: str | None, place: Place, tmp_path: Path) -> None:
    make = (lambda good: cmyk(tmp_path / "cmyk.jpeg")) if what is cmyk else what
    with_picture(make)(place)
    assert repro(place.root, *PREPARE.split()[1:]).code == 0
    prepared = json.loads((place.root / "results" / "small" / "prepared.json").read_text())
    manifest = json.loads((place.store / prepared["pictures"] / "manifest.json").read_text())
    assert manifest["counts"]["train"] == 21
    named = [entry["why"] for entry in manifest["odd_pictures"] if entry["picture"].endswith("bad.JPEG")]
    assert len(named) == (odd is not None)
    assert odd is None or odd in named[0]
