"""From templates to one file that holds everything it shows: nothing is ever fetched."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from repro.report.cases.rows import NO_CLAIM, VERDICTS
from repro.report.drawing import words

TEMPLATES = Path(__file__).parent / "templates"
STYLES = ("report.css", "statements.css", "figures.css", "narrow_and_print.css")
SCRIPTS = ("filter.js", "seeds.js")
SYMBOLS = {
    "supported": "✓",
    "contradicted": "✕",
    "inconclusive": "≈",
    "not_evaluated": "○",
    "untestable": "∅",
    NO_CLAIM: "…",
}
"""Before each verdict's word, so that neither colour nor form alone carries it."""


def rendered(template: str, **values: Any) -> str:
    """A page: the template with these values, the styles and the scripts inside it, as one.

    The page's own policy allows this one script, by its digest, and no request at all.
    """
    script = "".join(f"\n{_read(name)}" for name in SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup("\n".join(_read(name) for name in STYLES)),
            script=Markup(script),
            script_digest=Markup(f"sha256-{digest}"),
            symbols=SYMBOLS,
            verdict_names=VERDICTS,
            no_claim=NO_CLAIM,
            **values,
        )
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_typeset,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["named"] = words.named
    environment.filters["dotted"] = _dotted
    return environment


def _dotted(name: str) -> Markup:
    """A setting's dotted name, which may break between its parts and not inside them."""
    return Markup(re.sub(r"([._])", r"\1<wbr>", str(escape(name))))


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _typeset(value: Any) -> Any:
    """Text with apostrophes as printers set them, names that Markdown sets as code in quotes, and no line break before
    a percent sign; markup stays."""
    if type(value) is not str:
        return value
    value = re.sub(r"`([^`]+)`", "“\\1”", value)
    return re.sub(r"(?<=\d) %", f"{words.THIN}%", re.sub(r"(?<=\w)'(?=\w|\s|$)", "’", value))
