// The record editor without waiting: a draft is kept while somebody writes, what is wrong stands at its field, the JSON follows,
// and buttons that add or remove rows change the page in place. Every answer comes from the server; without this file the same
// buttons load the page anew.
(() => {
  "use strict";
  if (!window.fetch || !window.URLSearchParams || !document.getElementById("editor")) return;
  const wait = 900, again = 6000; // milliseconds
  const touched = new Set();
  let checked = false, dirty = false, json = false, stuck = false, timer = 0, saving = null, stepping = false;

  const editor = () => document.getElementById("editor");
  const form = () => document.getElementById("edit");
  const status = (text) => { document.getElementById("saved").textContent = text; };

  // What the form says; the JSON only where somebody wrote there.
  const body = (button) => {
    const data = button ? new FormData(form(), button) : new FormData(form());
    if (!json && data.get("op") !== "json") data.delete("json");
    if (json && !data.has("op")) data.set("op", "json");
    if (checked) data.set("checked", "1");
    return new URLSearchParams(data);
  };
  const signedOut = (res) => res.redirected && new URL(res.url).pathname === "/portal/sign-in";

  const later = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(save, ms);
  };
  const save = () => {
    clearTimeout(timer);
    if (!dirty || stuck || stepping || saving) return;
    dirty = false;
    status(editor().dataset.saving);
    saving = send().finally(() => {
      saving = null;
      if (dirty) later(wait);
    });
  };
  const send = async () => {
    try {
      const res = await fetch(editor().dataset.at + "/draft", { method: "POST", body: body(), headers: { Accept: "application/json" } });
      if (signedOut(res)) {
        failed(editor().dataset.signedout);
        return;
      }
      if (!res.ok || !(res.headers.get("Content-Type") || "").startsWith("application/json")) throw new Error(String(res.status));
      show(await res.json());
    } catch (_) {
      failed(editor().dataset.offline);
    }
  };
  const failed = (why) => {
    status(why);
    setTimeout(() => { dirty = true; later(0); }, again);
  };

  const show = (told) => {
    if (told.stale) {
      stuck = true;
      status(editor().dataset.stale);
      return;
    }
    form().elements.version.value = told.version;
    document.getElementById("saved").innerHTML = told.saved;
    document.getElementById("verdict").innerHTML = told.verdict;
    if (checked) document.getElementById("problems").innerHTML = told.listed;
    const text = document.getElementById("json");
    if (!json && document.activeElement !== text && text.value !== told.json) text.value = told.json;
    for (const [id, html] of Object.entries(told.scores)) {
      const out = document.getElementById(id + "-s");
      if (out) out.innerHTML = html;
    }
    for (const place of document.querySelectorAll("#edit .edit-found")) {
      const id = place.id.slice(0, -2);
      const seen = checked || touched.has(id) || [...touched].some((t) => t.startsWith(id + "-"));
      say(id, place, seen && told.problems[id] || []);
    }
  };
  const say = (id, place, list) => {
    if (id === "json") return;
    place.replaceChildren(...list.map((p) => {
      const line = document.createElement("p");
      line.className = p.error ? "problem" : "remark";
      line.textContent = p.text;
      return line;
    }));
    const control = document.getElementById(id), bad = list.some((p) => p.error);
    if (!control || !control.matches("input, select, textarea")) return;
    if (bad) control.setAttribute("aria-invalid", "true"); else control.removeAttribute("aria-invalid");
    control.closest(".field").classList.toggle("bad", bad);
  };

  // A step: the page as the server draws it then takes the place of the form. Nothing can be typed meanwhile, because it
  // would not be in that page; a save on its way is waited for, because the step goes on from it.
  const step = async (button, action) => {
    if (stepping) return;
    stepping = true;
    clearTimeout(timer);
    if (saving) await saving;
    const check = /\/check$/.test(action), sent = body(button), before = document.activeElement && document.activeElement.id;
    editor().inert = true;
    try {
      const res = await fetch(action, { method: "POST", body: sent, headers: { Accept: "text/html" } });
      if (signedOut(res)) {
        failed(editor().dataset.signedout);
        return;
      }
      const next = new DOMParser().parseFromString(await res.text(), "text/html").getElementById("editor");
      if (!next) {
        window.location.assign(res.url);
        return;
      }
      if (check) checked = true;
      dirty = json = stuck = false;
      swap(next, check, before);
    } catch (_) {
      failed(editor().dataset.offline);
    } finally {
      editor().inert = false;
      stepping = false;
    }
  };
  const folds = () => [...document.querySelectorAll("#edit details")].map((d) => {
    const home = d.parentElement.closest("[id]");
    return [d, home.id + " " + [...home.querySelectorAll("details")].indexOf(d)];
  });
  const swap = (next, check, before) => {
    const open = new Set(folds().filter(([d]) => d.open).map(([, key]) => key));
    const at = window.scrollY;
    editor().replaceWith(document.importNode(next, true));
    for (const [d, key] of folds()) if (open.has(key)) d.open = true;
    ready();
    window.scrollTo(0, at);
    const id = editor().dataset.focus;
    let target = document.getElementById(check ? "problems" : id || before);
    if (target && id && !check && !target.matches("input, select, textarea")) {
      target = target.querySelector("input:not([type=hidden]), textarea, select") || target;
    }
    if (target) {
      target.focus({ preventScroll: true });
      target.scrollIntoView({ block: "nearest" });
    }
  };

  const ready = () => {
    const copy = document.getElementById("json-copy"), open = document.getElementById("json-open");
    copy.hidden = !navigator.clipboard;
    open.hidden = false;
    checked = checked || Boolean(document.querySelector("#problems > *"));
  };
  const changed = (ev) => {
    const control = ev.target;
    if (!control.form || control.form.id !== "edit" || control.type === "file" || ["start", "template"].includes(control.id)) return;
    if (control.id === "json") json = true;
    dirty = true;
    if (ev.type === "change" && control.id) touched.add(control.id);
    if (!stuck) later(wait);
  };

  document.addEventListener("input", changed);
  document.addEventListener("change", (ev) => {
    changed(ev);
    if (ev.target.id === "json" && json) {
      step(null, form().action);
    } else if (ev.target.type === "file" && ev.target.closest("#json-open")) {
      const [file] = ev.target.files;
      if (!file) return;
      file.text().then((text) => {
        document.getElementById("json").value = text;
        json = true;
        step(null, form().action);
      }, () => status(editor().dataset.jsonfile));
    }
  });
  document.addEventListener("submit", (ev) => {
    if (ev.target.id !== "edit") return;
    const button = ev.submitter, action = button && button.formAction || ev.target.action;
    if (/\/(publish|preview)$/.test(action)) {
      clearTimeout(timer);
      if (saving) {
        ev.preventDefault();
        saving.then(() => form().requestSubmit(button));
        return;
      }
      dirty = false;
      document.getElementById("json").disabled = !json;
      return;
    }
    ev.preventDefault();
    step(button, action);
  });
  document.addEventListener("click", (ev) => {
    const copy = ev.target.closest("#json-copy");
    if (!copy) return;
    navigator.clipboard.writeText(document.getElementById("json").value).then(() => { copy.textContent = copy.dataset.done; }, () => { copy.hidden = true; });
  });
  // What was written a moment ago, when the tab goes away. Browsers take at most 64 KiB on this way.
  window.addEventListener("pagehide", () => {
    if (!dirty || stuck || !form()) return;
    const last = body();
    if (String(last).length < 60000) {
      fetch(editor().dataset.at + "/draft", { method: "POST", body: last, headers: { Accept: "application/json" }, keepalive: true }).catch(() => { /* gone */ });
      dirty = false;
    }
  });
  // Back from another page, the browser may show this one as it was: the controls are still enabled, and a save goes on.
  window.addEventListener("pageshow", (ev) => {
    if (!ev.persisted) return;
    const text = document.getElementById("json");
    if (text) text.disabled = false;
  });
  ready();
})();
