// Weaknesses in a list below the field while somebody types a number or words (the ARIA combobox pattern). The button beside
// the field searches without it.
(() => {
  "use strict";
  if (!window.fetch || !window.AbortController) return;
  let box = null, list = null, offer = [], active = -1, timer = 0, asking = null;

  const close = () => {
    clearTimeout(timer);
    if (asking) asking.abort();
    if (list) list.remove();
    if (box) {
      box.setAttribute("aria-expanded", "false");
      box.removeAttribute("aria-activedescendant");
    }
    list = null;
    active = -1;
  };
  const enter = (input) => {
    box = input;
    for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list", autocomplete: "off" })) box.setAttribute(name, value);
  };
  const choose = (i) => {
    active = i;
    [...list.children].forEach((row, n) => row.setAttribute("aria-selected", String(n === i)));
    box.setAttribute("aria-activedescendant", list.children[i].id);
    list.children[i].scrollIntoView({ block: "nearest" });
  };
  const take = (i) => {
    const w = offer[i], words = document.getElementsByName(box.name.replace(/cweId$/, "description"))[0];
    box.value = w.id;
    // The name takes the place of another weakness's name, never of somebody's own words.
    if (words && (!words.value.trim() || /^CWE-[0-9]+ /.test(words.value))) {
      words.value = w.named;
      words.dispatchEvent(new Event("change", { bubbles: true }));
    }
    box.dispatchEvent(new Event("change", { bubbles: true }));
    close();
  };
  const show = (answer) => {
    offer = answer.options;
    if (list) list.remove();
    list = document.createElement("ul");
    list.id = box.id + "-list";
    list.className = "options";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", answer.title);
    offer.forEach((w, i) => {
      const row = document.createElement("li");
      row.id = list.id + i;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", "false");
      for (const [tag, text] of [["code", w.id], ["span", w.name], ["span", w.usage]]) {
        if (!text) continue;
        const cell = document.createElement(tag);
        cell.textContent = text;
        if (text === w.usage) cell.className = "count";
        row.append(cell, " ");
      }
      row.addEventListener("pointerdown", (ev) => { ev.preventDefault(); take(i); });
      list.append(row);
    });
    active = -1;
    if (!offer.length) {
      close();
      return;
    }
    box.parentElement.append(list);
    box.setAttribute("aria-controls", list.id);
    box.setAttribute("aria-expanded", "true");
  };
  const ask = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if (asking) asking.abort();
      asking = new AbortController();
      const field = box;
      try {
        const res = await fetch("/portal/cwe?" + new URLSearchParams({ q: field.value }), { signal: asking.signal, headers: { Accept: "application/json" } });
        if (!res.ok || res.redirected) return;
        const answer = await res.json();
        if (box === field && document.activeElement === field) show(answer);
      } catch (_) { /* overtaken by the next key, or the node is away: the button still works */ }
    }, ms);
  };

  document.addEventListener("focusin", (ev) => {
    if (ev.target.matches && ev.target.matches("input[data-weak]")) enter(ev.target);
  });
  document.addEventListener("focusout", (ev) => { if (ev.target === box) close(); });
  document.addEventListener("input", (ev) => {
    if (ev.target !== box || ev.isComposing) return;
    if (box.value.trim()) ask(120); else close();
  });
  document.addEventListener("compositionend", (ev) => { if (ev.target === box) ask(0); });
  document.addEventListener("keydown", (ev) => {
    if (ev.target !== box || ev.isComposing || ev.ctrlKey || ev.metaKey || ev.altKey) return;
    const rows = list ? list.children.length : 0;
    if (ev.key === "ArrowDown" || ev.key === "ArrowUp") {
      ev.preventDefault();
      if (!rows) {
        if (ev.key === "ArrowDown") ask(0);
        return;
      }
      const by = ev.key === "ArrowDown" ? 1 : -1;
      choose(active < 0 ? (by > 0 ? 0 : rows - 1) : (active + by + rows) % rows);
    } else if ((ev.key === "Enter" || ev.key === "Tab") && rows && active >= 0) {
      ev.preventDefault();
      take(active);
    } else if (ev.key === "Escape" && rows) {
      ev.preventDefault();
      close();
    }
  });
})();
