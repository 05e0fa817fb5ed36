// The portal with a script: buttons that name what is typed, a box that ticks all, and no form that is sent
// twice. Without it everything works.
(() => {
  "use strict";
  for (const form of document.querySelectorAll(".portal form, .signin form")) {
    form.addEventListener("submit", (e) => {
      if (form.dataset.sent) e.preventDefault();
      form.dataset.sent = "1";
    });
  }
  // A page that comes back from the browser's memory can be sent again.
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((f) => delete f.dataset.sent));

  for (const button of document.querySelectorAll("button[data-many]")) {
    const form = button.form;
    const plain = button.textContent;
    const say = () => {
      const at = (name) => String(new FormData(form).get(name) || "").trim();
      const n = Number(at("amount"));
      const whole = Number.isInteger(n) && n > 0 && /^\d{4}$/.test(at("year")) && at("for");
      const phrase = n === 1 ? button.dataset.one : button.dataset.many;
      button.textContent = whole ? phrase.replace(/\{(\w+)\}/g, (_, name) => (name === "amount" ? n.toLocaleString("en") : at(name))) : plain;
    };
    form.addEventListener("input", say);
    say();
  }

  // The answer to a question is brought up to date while the form is typed in.
  for (const form of document.querySelectorAll("form[data-live]")) {
    let timer, asked = 0;
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const n = ++asked;
        const body = new URLSearchParams(new FormData(form));
        body.set("do", "ask");
        const reply = await fetch(form.action, { method: "POST", body });
        const page = new DOMParser().parseFromString(await reply.text(), "text/html");
        const from = page.getElementById(form.dataset.live);
        if (n === asked && from) document.getElementById(form.dataset.live).replaceChildren(...from.childNodes);
      }, 400);
    });
  }

  for (const head of document.querySelectorAll(".rows thead th:first-child")) {
    const boxes = head.closest("table").querySelectorAll("tbody input[type=checkbox]");
    if (!boxes.length) continue;
    const all = document.createElement("input");
    all.type = "checkbox";
    all.setAttribute("aria-label", head.textContent.trim());
    all.addEventListener("change", () => boxes.forEach((b) => (b.checked = all.checked)));
    head.replaceChildren(all);
  }
})();
