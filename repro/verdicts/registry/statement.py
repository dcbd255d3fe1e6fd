"""What an entry of the registry holds: a statement of the paper, its test, and what others have for it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from repro.settings import Settings
from repro.verdicts.registry.over_seeds import Scope
from repro.verdicts.registry.papers_evidence import PaperErrors
from repro.verdicts.registry.test_types import Test

Kind = Literal["definition", "statistical", "absolute", "timing", "qualitative", "historical"]


class AuthorsNumber(Settings):
    """What the authors' released code notes about the run, and where."""

    number: str
    file: str


class Statement(Settings):
    """One statement of the paper, paraphrased."""

    id: Annotated[str, Field(pattern=r"^S\d\d[a-f]?$")]
    section: str
    source: str | None = Field(None, description="where in the paper it stands: sections, tables, figures, footnotes")
    statement: str
    kind: Kind
    paper: str | None = None
    authors: AuthorsNumber | None = None
    paper_errors: Annotated[tuple[PaperErrors, ...], Field(strict=False)] = Field(
        (), description="the error rates that the paper's own comparison rests on"
    )
    known_erratum: str | None = Field(None, description="why it is false as printed")
    part: str | None = Field(None, description="what the test covers, where it covers only a part")
    repeats: str | None = Field(None, description="the statement that it repeats and whose verdict it shares")
    after: str | None = Field(
        None, description="the statement that has to be decided before this one is tested, in a family that holds both"
    )
    untestable: str | None = Field(None, description="why no data could decide it")
    test: Test | None = Field(None, discriminator="form")

    @model_validator(mode="after")
    def _one_way(self) -> Statement:
        ways = [name for name in ("repeats", "untestable", "test") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError(f"has {' and '.join(ways)}; at most one of repeats, untestable, test")
        if self.after is not None and self.scope != "statistical":
            raise ValueError("after is only for statements that are tested over runs")
        if self.known_erratum is not None and self.scope != "definition":
            raise ValueError("known_erratum is only for statements with a test of form comparison")
        return self

    @property
    def scope(self) -> Scope | None:
        """What its claim reads; None without a test."""
        return None if self.test is None else self.test.scope
