// Links the runs of a seed across figures: under the pointer, all its dots, lines and rows light up.
(() => {
  const seed_of = (element) => [...element.classList].find((name) => /^seed-\d+$/.test(name));
  // On the page over all studies, seed 20 of one study is another net than seed 20 of the next.
  const study_of = (element) => element.closest("[data-study]")?.dataset.study ?? "";
  let lit = [];

  function light(event) {
    const over = event.target.closest?.('[class*="seed-"]');
    const name = over && seed_of(over);
    if (lit.length && name && lit.includes(over)) return;
    for (const element of lit) element.classList.remove("lit");
    const study = over && study_of(over);
    lit = name ? [...document.getElementsByClassName(name)].filter((element) => study_of(element) === study) : [];
    for (const element of lit) element.classList.add("lit");
    document.body.classList.toggle("linked", lit.length > 0);
  }

  document.addEventListener("pointerover", light);
})();
