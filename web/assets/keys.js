// Keys for readers who know them; every page works without. "/" goes to the search box; on a list of results the arrows
// move and "o" opens the raw record. Buttons that copy appear where copying is possible.
(() => {
  "use strict";
  if (navigator.clipboard) {
    for (const button of document.querySelectorAll("button[data-copy]")) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = button.dataset.done;
      });
    }
  }
  const typing = (el) => el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName));
  document.addEventListener("keydown", (ev) => {
    if (ev.ctrlKey || ev.metaKey || ev.altKey || ev.isComposing || typing(ev.target)) return;
    if (ev.key === "/") {
      const box = document.getElementById("q");
      if (box) { ev.preventDefault(); box.focus(); box.select(); }
      return;
    }
    const links = [...document.querySelectorAll(".hits a.id")];
    if (!links.length) return;
    const at = links.indexOf(document.activeElement);
    if (ev.key === "ArrowDown" || ev.key === "ArrowUp") {
      if (at < 0 && ev.key === "ArrowUp") return;
      ev.preventDefault();
      const next = ev.key === "ArrowDown" ? Math.min(at + 1, links.length - 1) : Math.max(at - 1, 0);
      links[next].focus();
    } else if (ev.key === "o" && at >= 0) {
      location.href = links[at].dataset.raw;
    }
  });
})();
