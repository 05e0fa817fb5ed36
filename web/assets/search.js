// Completion in the search box: fields, values with their counts, in a list below it (the ARIA combobox pattern). The box
// works without: an error in a query is answered with suggestions by the page itself.
(() => {
  "use strict";
  const box = document.getElementById("q");
  if (!box || !box.form || !window.AbortController) return;
  const list = document.createElement("ul");
  list.id = "q-options";
  list.className = "options";
  list.setAttribute("role", "listbox");
  list.hidden = true;
  box.form.append(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list" })) {
    box.setAttribute(name, value);
  }
  let offer = null, active = -1, timer = 0, asking = null;

  const close = () => {
    clearTimeout(timer);
    if (asking) asking.abort();
    list.hidden = true;
    active = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const choose = (i) => {
    active = i;
    [...list.children].forEach((row, n) => row.setAttribute("aria-selected", String(n === i)));
    if (i < 0) {
      box.removeAttribute("aria-activedescendant");
    } else {
      box.setAttribute("aria-activedescendant", list.children[i].id);
      list.children[i].scrollIntoView({ block: "nearest" });
    }
  };
  const take = (i) => {
    // What ends in a sign is only half of a condition: its values come next.
    const text = offer.options[i].insert, half = /[:=<>]$/.test(text);
    const end = offer.end + box.value.length - offer.typed; // what was typed since the question is part of the word
    box.setRangeText(half || end < box.value.length ? text : text + " ", offer.start, end, "end");
    close();
    box.focus();
    if (half) ask(0);
  };
  const show = (answer, typed) => {
    // An answer that comes while the reader is in the list keeps what they are on.
    const on = active < 0 ? null : offer.options[active].insert;
    offer = { ...answer, typed };
    list.replaceChildren(...answer.options.map((option, i) => {
      const row = document.createElement("li");
      row.id = "q-option-" + i;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", "false");
      for (const part of ["insert", "help", "count"]) {
        if (!option[part]) continue;
        const cell = document.createElement(part === "insert" ? "code" : "span");
        cell.className = part;
        cell.textContent = option[part];
        row.append(cell, " ");
      }
      // Before the click, which would take the focus away and close the list.
      row.addEventListener("pointerdown", (ev) => { ev.preventDefault(); take(i); });
      return row;
    }));
    list.setAttribute("aria-label", answer.title);
    list.hidden = answer.options.length === 0;
    box.setAttribute("aria-expanded", String(!list.hidden));
    choose(on === null ? -1 : answer.options.findIndex((option) => option.insert === on));
  };
  const ask = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if (asking) asking.abort();
      asking = new AbortController();
      const q = new URLSearchParams({ q: box.value, cursor: box.selectionEnd }), typed = box.value.length;
      try {
        const answer = await fetch("/search/complete?" + q, { signal: asking.signal });
        if (answer.ok && document.activeElement === box) show(await answer.json(), typed);
      } catch (_) { /* overtaken by the next key, or the server is gone: the box still works */ }
    }, wait);
  };

  box.addEventListener("input", (ev) => { if (ev.isComposing) return; box.value.trim() ? ask(120) : close(); });
  box.addEventListener("compositionend", () => ask(0));
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (ev) => {
    if (ev.isComposing || ev.ctrlKey || ev.metaKey || ev.altKey) return;
    const rows = list.hidden ? 0 : list.children.length;
    if (ev.key === "ArrowDown" || ev.key === "ArrowUp") {
      if (!rows) {
        if (ev.key === "ArrowDown") { ev.preventDefault(); ask(0); }
        return;
      }
      ev.preventDefault();
      const step = ev.key === "ArrowDown" ? 1 : -1;
      choose(active < 0 ? (step > 0 ? 0 : rows - 1) : (active + step + rows) % rows);
    } else if ((ev.key === "Enter" || ev.key === "Tab") && rows && active >= 0) {
      ev.preventDefault();
      take(active);
    } else if (ev.key === "Escape" && rows) {
      ev.preventDefault();
      close();
    }
  });
})();
