// Filters the statements. The page is whole without it: then nothing is hidden and there is no form.
(() => {
  const form = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing-left");
  const entries = [...document.querySelectorAll("article.entry")].map((article) => ({
    article,
    id: article.id,
    section: article.dataset.section,
    kind: article.dataset.kind,
    text: article.textContent.toLowerCase(),
    judgements: [...article.querySelectorAll(".judgement")],
  }));
  const parts = [...document.querySelectorAll("section.of-paper, .matrix tbody")];
  const cells = [...document.querySelectorAll(".cell[data-of]")];
  const rows = [...document.querySelectorAll("tr[data-of]")];

  function apply() {
    const choice = new FormData(form);
    const words = (choice.get("text") || "").toLowerCase().split(/\s+/).filter(Boolean);
    const [section, kind, study] = ["section", "kind", "study"].map((name) => choice.get(name) || "");
    const verdicts = choice.getAll("verdict");
    const fits = (item) =>
      (!verdicts.length || verdicts.includes(item.dataset.verdict)) &&
      (!study || !item.dataset.study || item.dataset.study === study);
    const left = new Set();
    for (const entry of entries) {
      const open =
        (!section || entry.section === section) &&
        (!kind || entry.kind === kind) &&
        words.every((word) => entry.text.includes(word)) &&
        entry.judgements.some(fits);
      entry.article.hidden = !open;
      for (const item of entry.judgements) item.hidden = !fits(item);
      if (open) left.add(entry.id);
    }
    for (const row of rows) row.hidden = !left.has(row.dataset.of);
    for (const cell of cells) cell.classList.toggle("dim", !left.has(cell.dataset.of) || !fits(cell));
    for (const part of parts) part.hidden = !part.querySelector("article:not([hidden]), tr[data-of]:not([hidden])");
    nothing.hidden = left.size > 0;
    const all = left.size === entries.length;
    shown.textContent = all ? `All ${entries.length} statements` : `${left.size} of ${entries.length} statements`;
    form.classList.toggle("active", !all);
  }

  // A link to a statement that the filter hides takes the filter off.
  function reveal() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("[hidden]")) {
      form.reset();
      setTimeout(() => target.scrollIntoView());
    }
  }

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => { setTimeout(apply); });
  addEventListener("hashchange", () => setTimeout(reveal));
  form.hidden = false;
  apply();
})();
