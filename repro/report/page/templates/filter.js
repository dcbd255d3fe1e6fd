// Filters the statements, and keeps the filter in the page's address behind a question mark: #?verdict=supported, or
// #S61c?verdict=supported with a statement to go to. The page is whole without it: then nothing is hidden and there is
// no form.
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

  const parts_of = (hash) => {
    const [target, query] = hash.replace(/^#/, "").split(/\?(.*)/s);
    return { target, query };
  };

  // The choices that are not "all", as they stand in the address.
  function chosen() {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) query.append(name, value);
    return query.toString();
  }

  function remember() {
    const { target } = parts_of(location.hash);
    const query = chosen();
    const hash = target + (query && `?${query}`);
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  // Only what the form offers is taken from an address.
  function restore(query) {
    const wanted = new URLSearchParams(query);
    form.reset();
    for (const field of form.elements) {
      if (field.type === "checkbox") field.checked = wanted.getAll(field.name).includes(field.value);
      else if (field.tagName === "SELECT") {
        const value = wanted.get(field.name);
        if ([...field.options].some((option) => option.value === value)) field.value = value;
      } else if (field.type === "search") field.value = wanted.get(field.name) || "";
    }
    apply();
  }

  // A link to a statement that the filter hides takes the filter off; any other keeps it.
  function reveal(target) {
    let name = target;
    try { name = decodeURIComponent(target); } catch { /* an address that somebody typed */ }
    const found = target && document.getElementById(name);
    if (!found) return;
    if (found.closest("[hidden]")) {
      form.reset();
      apply();
    }
    for (let at = found.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
    document.querySelector(".entry.target")?.classList.remove("target");
    found.classList.add("target"); // :target does not know an address with a filter behind it
    found.scrollIntoView();
  }

  function follow() {
    const { target, query } = parts_of(location.hash);
    if (query !== undefined) restore(query);
    if (target) reveal(target);
    remember();
  }

  const changed = () => { apply(); remember(); };
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("[type=reset]").addEventListener("click", () => setTimeout(changed));
  addEventListener("hashchange", follow);
  form.hidden = false;
  apply();
  follow();
})();
