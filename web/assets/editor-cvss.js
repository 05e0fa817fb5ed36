// CVSS calculators: the vector follows the choices, the choices follow the vector, and the server says the score of both.
(() => {
  "use strict";
  if (!window.fetch || !window.URLSearchParams) return;
  let asking = null, timer = 0;

  const parts = (calc) => [...calc.querySelectorAll("fieldset[data-metric]")];
  const box = (calc) => calc.querySelector("input.mono");
  const ask = (calc, ms) => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if (asking) asking.abort();
      asking = new AbortController();
      const q = new URLSearchParams({ version: calc.dataset.calc, vector: box(calc).value });
      try {
        const res = await fetch("/portal/cvss?" + q, { signal: asking.signal, headers: { Accept: "application/json" } });
        if (res.ok && !res.redirected) calc.querySelector("output").innerHTML = (await res.json()).html;
      } catch (_) { /* overtaken, or the node is away: the next check says the score */ }
    }, ms);
  };

  document.addEventListener("change", (ev) => {
    const calc = ev.target.closest && ev.target.closest("[data-calc]");
    if (!calc || ev.target.type !== "radio") return;
    const said = [];
    for (const m of parts(calc)) {
      const on = m.querySelector("input:checked");
      if (on && on.value) said.push(m.dataset.metric + ":" + on.value);
    }
    box(calc).value = (calc.dataset.calc === "2.0" ? "" : "CVSS:" + calc.dataset.calc + "/") + said.join("/");
    ask(calc, 0);
  });
  document.addEventListener("input", (ev) => {
    const calc = ev.target.closest && ev.target.closest("[data-calc]");
    if (!calc || ev.target !== box(calc)) return;
    const said = new Map(ev.target.value.trim().split("/").map((part) => part.split(":")));
    for (const m of parts(calc)) {
      const value = said.get(m.dataset.metric) || "";
      for (const radio of m.querySelectorAll("input")) radio.checked = radio.value === value;
    }
    ask(calc, 200);
  });
})();
