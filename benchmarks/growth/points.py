"""What was measured of growth: `growth.json`, a list of points in series, each with the limit that holds there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from repro.errors import UserError
from repro.files import write_json

POINTS = Path(__file__).parents[1] / "growth.json"
Positive = Annotated[FiniteFloat, Field(gt=0)]


class Point(BaseModel):
    """`y` of `series` where `x_name` is `x`. `limit` is what the machine cannot exceed (or undercut) there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    figure: str
    series: str
    x_name: str
    x: Positive
    y_name: str
    y: Positive
    limit: Positive | None = None
    limit_name: str = ""
    machine: str = ""


_POINTS = TypeAdapter(list[Point])


def read_points(path: Path) -> list[Point]:
    """Nothing where there is no file yet; UserError where it holds something else."""
    try:
        return _POINTS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []
    except ValidationError as error:
        raise UserError(f"{path} is not what the benchmarks write ({error}); remove it and measure again") from error


def write_points(points: list[Point], path: Path) -> None:
    write_json(path, _POINTS.dump_python(points, mode="json"))
