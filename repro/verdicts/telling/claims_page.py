"""docs/claims.md out of the registry: every statement, how it is tested, or why it cannot be.

python -m repro.verdicts.telling.claims_page       (or `make docs`)
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from repro.files import write_text
from repro.settings import Settings
from repro.verdicts.registry.registry import REGISTRY_FILE, Registry, claims_folder, load_registry
from repro.verdicts.registry.statement import Statement
from repro.verdicts.registry.test_types import FORMS
from repro.verdicts.telling.how_tested import Rule, form_in_words, gates_of, picked_in_words, rules
from repro.verdicts.telling.summary import SECTIONS

PAGE = Path("docs/claims.md")
HEAD = """<!-- Made by `make docs` from claims/statements.yaml; change the registry, not this page. -->
# The paper's statements and how each is tested

`repro explain ID` shows one of them with its evidence and its verdict; [verdicts.md](verdicts.md) says what the words
mean. Paraphrases are ours. Errors are fractions in the registry and percentage points here.
"""


def claims_page(registry: Registry) -> str:
    """docs/claims.md as Markdown."""
    lines = [HEAD, _counts(registry), "", "## Forms", ""]
    used: Counter[str] = Counter(entry.test.form for entry in registry if entry.test is not None)
    lines += [
        f"- **{_spaced(name)}** ({used[name]}): {_lowered(form_in_words(form))}"
        for name, form in FORMS.items()
        if used[name]
    ]
    lines += ["", "## Gates", "", "A shut gate means *not evaluated*, never *contradicted*.", ""]
    lines += [_gate(name, getattr(registry.gates, name)) for name in type(registry.gates).model_fields]
    section = None
    for entry in registry:
        top = entry.section.split(".")[0]
        if top != section:
            section = top
            lines += ["", f"## {SECTIONS.get(top, top)}"]
        lines += ["", *_entry(entry, registry)]
    return "\n".join(lines) + "\n"


def _counts(registry: Registry) -> str:
    tested = sum(entry.test is not None for entry in registry)
    repeats = len(registry.repeats)
    untestable = sum(entry.untestable is not None for entry in registry)
    open_ = len(registry.statements) - tested - repeats - untestable
    errata = sum(entry.known_erratum is not None for entry in registry)
    said = (
        f"{len(registry.statements)} statements: {tested} have a test of their own, {repeats} repeat another and share "
        f"its verdict, {untestable} are untestable. {errata} are false as printed."
    )
    return said + (f" {open_} have no claim yet." if open_ else "")


def _entry(entry: Statement, registry: Registry) -> list[str]:
    lines = [f"**{entry.id}**, {entry.source or f'section {entry.section}'}. {entry.statement}"]
    if entry.paper is not None:
        lines.append(f"- In print: {entry.paper}.")
    if entry.authors is not None:
        lines.append(f"- In the authors' log: {entry.authors.number}; `{entry.authors.file}`.")
    if entry.known_erratum is not None:
        lines.append(f"- False as printed: {_spoken(entry.known_erratum)}")
    if entry.repeats is not None:
        lines.append(f"- Repeats {entry.repeats}.")
    elif entry.untestable is not None:
        lines.append(f"- Untestable: {_spoken(entry.untestable)}")
    elif entry.test is None:
        lines.append("- No claim yet.")
    else:
        lines += _tested(entry, registry)
    if entry.part is not None:
        lines.append(f"- Tested part: {_spoken(entry.part)}")
    return lines


def _tested(entry: Statement, registry: Registry) -> list[str]:
    test = entry.test
    assert test is not None
    lines = [f"- Test: {_spaced(test.form)}. {_spoken(picked_in_words(test))}"]
    if said := [_rule(rule) for rule in rules(test)]:
        lines.append(f"- Registered: {'; '.join(said)}.")
    if gates := gates_of(test, registry):
        lines.append(f"- Gates: {', '.join(map(_spaced, gates))}.")
    return lines


def _gate(name: str, rule: Settings) -> str:
    """What the gate asks, and each threshold with what it is a threshold of."""
    asks = " ".join((type(rule).__doc__ or "").split())
    thresholds = []
    for key, field in type(rule).model_fields.items():
        meaning = f" ({field.description})" if field.description else ""
        thresholds.append(f"{_spaced(key)} {_plain(getattr(rule, key))}{meaning}")
    return f"- **{_spaced(name)}**: {asks}" + (f" Thresholds: {'; '.join(thresholds)}." if thresholds else "")


def _rule(rule: Rule) -> str:
    return f"{_spaced(rule.name)} {rule.value}"


def _spoken(text: str) -> str:
    """The text as a sentence: a capital first, a full stop last."""
    text = " ".join(text.split())
    return text if not text else text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _plain(value: float | bool) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else f"{value:g}"


def _lowered(text: str) -> str:
    """Without its capital, unless the first word is a symbol of one letter such as J."""
    return text if not text[1:2].isalpha() else text[:1].lower() + text[1:]


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def main() -> None:
    """Write the page of the project in the current folder."""
    folder = claims_folder()
    target = folder.parent / PAGE
    write_text(target, claims_page(load_registry(folder / REGISTRY_FILE)))
    print(target)


if __name__ == "__main__":
    main()
