// Checks a proof in the browser with nothing but WebCrypto: the charters, the checkpoint's signature, the entry's place in the
// tree, and its body. What is checked, and how the files look, is docs/protocols/log.md; "tasuki verify record" is the same
// check in Go, and the stricter one. Everything said to the reader stands in the page, in the reader's language.
(() => {
  "use strict";
  const root = document.getElementById("verify");
  if (!root) return;
  const KEPT = "tasuki-list"; // where the browser keeps the pinned list id
  const utf8 = new TextEncoder();
  const text = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  const equal = (a, b) => a.length === b.length && a.every((v, i) => v === b[i]);
  const join = (...parts) => {
    const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const p of parts) { out.set(p, at); at += p.length; }
    return out;
  };
  const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
  const must = (ok, why) => { if (!ok) throw new Error(why); };

  // Base64 with its one spelling: what the encoder would not have written is refused.
  const base64 = (s) => {
    const raw = atob(s);
    must(btoa(raw) === s, "base64");
    return Uint8Array.from(raw, (c) => c.charCodeAt(0));
  };
  const unhex = (s) => {
    must(/^(?:[0-9a-f]{2})*$/.test(s), "hex");
    return Uint8Array.from(s.match(/../g) || [], (h) => parseInt(h, 16));
  };

  // Hashes and signatures are over exact bytes, so values of canonical JSON are cut out as they stand, not written anew.
  const skip = (s, i) => {
    const open = s[i];
    if (open === '"') {
      for (i++; s[i] !== '"'; i++) {
        must(i < s.length, "string");
        if (s[i] === "\\") i++;
      }
      return i + 1;
    }
    if (open === "{" || open === "[") {
      const close = open === "{" ? "}" : "]";
      if (s[++i] === close) return i + 1;
      for (;;) {
        if (open === "{") {
          must(s[i] === '"', "key");
          i = skip(s, i);
          must(s[i++] === ":", "colon");
        }
        i = skip(s, i);
        if (s[i] === close) return i + 1;
        must(s[i++] === ",", "comma");
      }
    }
    const plain = /true|false|0|-?[1-9][0-9]*/y;
    plain.lastIndex = i;
    must(plain.test(s), "value");
    return plain.lastIndex;
  };
  const whole = (s) => { must(skip(s, 0) === s.length, "end"); return s; };
  // members of an object, each as its text. Keys ascend strictly: no key twice, no second way to write the same.
  const members = (s) => {
    must(whole(s)[0] === "{", "object");
    const out = new Map();
    let last = "";
    for (let i = 1; s[i] !== "}";) {
      if (s[i] === ",") i++;
      const k = skip(s, i), v = skip(s, k + 1), key = JSON.parse(s.slice(i, k));
      must(key > last, "order of keys");
      out.set(key, s.slice(k + 1, v));
      last = key;
      i = v;
    }
    return out;
  };
  const elements = (s) => {
    must(whole(s)[0] === "[", "array");
    const out = [];
    for (let i = 1; s[i] !== "]";) {
      if (s[i] === ",") i++;
      const v = skip(s, i);
      out.push(s.slice(i, v));
      i = v;
    }
    return out;
  };

  let ed25519; // whether this browser can: undefined until tried
  const verified = async (key, message, signature) => {
    if (key.length !== 32 || signature.length !== 64) return false;
    const k = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
    return crypto.subtle.verify("Ed25519", k, signature, message);
  };
  const canSign = async () => {
    if (ed25519 === undefined) {
      // The base point of the curve is a key that every implementation can read.
      const point = unhex("58" + "66".repeat(31));
      ed25519 = await crypto.subtle.importKey("raw", point, "Ed25519", false, ["verify"]).then(() => true, () => false);
    }
    return ed25519;
  };

  // A proof file: parts of c2sp.org/tlog-proof@v1, one after another.
  const HEADER = "c2sp.org/tlog-proof@v1";
  const parse = (file) => {
    const lines = file.split("\n");
    const parts = [];
    let at = 0;
    while (at < lines.length - 1) {
      must(lines[at++] === HEADER, "header");
      must(lines[at].startsWith("extra "), "extra");
      const extra = members(text(base64(lines[at++].slice(6))));
      const index = /^index (0|[1-9][0-9]{0,15})$/.exec(lines[at++]);
      must(index && extra.has("leaf"), "index and leaf");
      const path = [];
      while (lines[at] !== "") {
        must(path.length < 63, "path");
        const h = base64(lines[at++]);
        must(h.length === 32, "hash");
        path.push(h);
      }
      const from = ++at;
      while (at < lines.length && lines[at] !== "") at++;
      const note = lines.slice(from, at).join("\n") + "\n";
      const signatures = [];
      for (at++; at < lines.length && lines[at].startsWith("\u2014 "); at++) signatures.push(lines[at]);
      must(signatures.length > 0, "signature");
      const [origin, size, tree] = note.split("\n");
      must(/^(0|[1-9][0-9]{0,15})$/.test(size), "size");
      parts.push({ extra, index: Number(index[1]), path, note, signatures, origin, size: Number(size), tree: base64(tree) });
    }
    must(parts.length > 0 && parts.length <= 256 && lines[at] === "", "parts");
    return parts;
  };

  // The chain of charters, genesis first. Without Ed25519 only what hashes bind is checked.
  const CHARTER = "application/vnd.tasuki.charter+json";
  const chain = async (raws, pinned) => {
    const docs = [];
    for (const raw of raws) {
      const doc = members(raw);
      const signed = doc.get("signed");
      const bytes = utf8.encode(signed);
      docs.push({ m: members(signed), c: JSON.parse(signed), sigs: JSON.parse(doc.get("sigs")), hash: hex(await sha256(bytes)),
        message: join(utf8.encode(`DSSEv1 ${CHARTER.length} ${CHARTER} ${bytes.length} `), bytes) });
    }
    must(docs.length > 0, "no charter");
    const list = docs[0].hash, sign = await canSign();
    const logs = [];
    for (const [i, d] of docs.entries()) {
      const { c } = d, old = docs[i - 1];
      must(c.v === i + 1 && c.prev === (old ? old.hash : "") && c.genesis === (old ? list : ""), "links");
      must(2 * c.board.k > c.board.keys.length && c.board.k <= c.board.keys.length, "board");
      const origin = `tasuki/${list.slice(0, 16)}/${c.operator.epoch}-${c.operator.slug}`, key = base64(c.operator.ed25519);
      if (old) epoch(d, old, origin, logs, c);
      if (sign) must(await admitted(d, old), "signatures");
      if (!logs.some((l) => l.origin === origin)) logs.push({ origin, key, spelt: c.operator.ed25519 });
    }
    if (pinned) must(list === pinned, "another list");
    return { list, logs, signed: sign };
  };
  // A new operator, key, mirrors or policy opens an epoch, with a name and key that were never used.
  const epoch = (d, old, origin, logs, c) => {
    const same = (name) => old.m.get(name) === d.m.get(name);
    must(Boolean(c.test) === Boolean(old.c.test), "test");
    if (same("operator") && same("mirrors") && same("policy")) {
      must(!d.m.has("continue_at"), "continue_at");
      return;
    }
    must(c.operator.epoch === old.c.operator.epoch + 1, "epoch");
    must(!logs.some((l) => l.origin === origin || l.spelt === c.operator.ed25519), "origin or key used before");
    must(old.m.has("mirrors") || d.m.has("continue_at"), "continue_at");
  };
  const signers = async (d, board) => {
    const keys = new Set();
    for (const seat of board.keys) {
      for (const s of d.sigs) {
        if (s.id === seat.id && await verified(base64(seat.ed25519), d.message, base64(s.sig))) keys.add(seat.ed25519);
      }
    }
    return keys.size;
  };
  const admitted = async (d, old) => {
    if (old && await signers(d, old.c.board) < old.c.board.k) {
      // The one exception: while there are no mirrors, the log key may sign what only adds features.
      if (old.m.has("mirrors") || !onlyFeatures(d, old)) return false;
      const key = base64(old.c.operator.ed25519);
      for (const s of d.sigs) if (s.id === "log" && await verified(key, d.message, base64(s.sig))) return true;
      return false;
    }
    return await signers(d, d.c.board) >= d.c.board.k;
  };
  const onlyFeatures = (d, old) => {
    const free = new Set(["v", "prev", "genesis", "issued", "reason", "features", "continue_at"]);
    const rest = (m) => JSON.stringify([...m].filter(([k]) => !free.has(k)));
    return d.c.features.length > old.c.features.length && old.c.features.every((f) => d.c.features.includes(f)) && rest(d.m) === rest(old.m);
  };

  // A note's signature: name, then base64 of 4 bytes that name the key and 64 of Ed25519 over the text.
  const noteSigned = async (part, logs) => {
    const log = logs.find((l) => l.origin === part.origin);
    if (!log) return false;
    const id = (await sha256(utf8.encode(log.origin + "\n"), [1], log.key)).slice(0, 4);
    for (const line of part.signatures) {
      const [, name, sig] = line.split(" ");
      const raw = base64(sig);
      if (name === log.origin && equal(raw.slice(0, 4), id) && await verified(log.key, utf8.encode(part.note), raw.slice(4))) return true;
    }
    return false;
  };

  // RFC 9162 §2.1.3.2, without bit operations: they would cut an index at 32 bits.
  const climb = async (leaf, index, size, path) => {
    must(index < size, "index beyond the tree");
    let fn = index, sn = size - 1, r = leaf;
    for (const p of path) {
      must(sn > 0, "path too long");
      if (fn % 2 === 1 || fn === sn) {
        r = await sha256([1], p, r);
        while (fn % 2 === 0 && fn > 0) { fn /= 2; sn = Math.floor(sn / 2); }
      } else {
        r = await sha256([1], r, p);
      }
      fn = Math.floor(fn / 2);
      sn = Math.floor(sn / 2);
    }
    must(sn === 0, "path too short");
    return r;
  };

  const step = (name) => root.querySelector(`[data-step="${name}"]`);
  const result = document.getElementById("result");
  const mark = (name, state, detail) => {
    const li = step(name);
    li.dataset.state = state;
    li.querySelector(".state").textContent = result.dataset[state];
    li.querySelector(".why").hidden = state !== "failed";
    li.querySelector(".unsaid").hidden = state !== "skipped";
    li.querySelector(".detail").textContent = detail || "";
    return state;
  };
  const verdict = (name) => {
    result.hidden = false;
    for (const p of root.querySelectorAll(".verdict")) p.hidden = p.dataset.verdict !== name;
    root.dataset.verdict = name;
  };
  const names = Array.from(root.querySelectorAll("[data-step]"), (li) => li.dataset.step);
  const pinned = () => { try { return localStorage.getItem(KEPT) || ""; } catch { return ""; } };

  // The owner of an identifier is committed to, or that of the block it was assigned from: whoever knows whom to try can make the
  // commitment again.
  const opens = async (part, salt, id, org) => {
    const e = part.e;
    if (e.kind === "block.granted/1") {
      const [, year, n] = /^CVE-(\d{4})-(\d+)$/.exec(id) || [];
      return Number(year) === e.year && Number(n) >= e.first && Number(n) <= e.last && hex(await sha256(unhex(salt), utf8.encode(org))) === e.owner;
    }
    const fact = utf8.encode(JSON.stringify({ id, kind: "id.owner/1", org }).padEnd(256));
    return hex(await sha256(unhex(salt), fact)) === part.e.body.h;
  };

  // One run over a proof file. asked says what it should be about: an id, an index, or nothing; fetched is whether the body
  // may be asked from the server.
  const check = async (file, asked, fetched) => {
    result.hidden = false;
    document.getElementById("newer").hidden = !asked.size;
    for (const n of names) mark(n, "waiting");
    const states = {};
    const at = async (name, fn) => {
      try { states[name] = mark(name, ...(await fn())); } catch (e) { states[name] = mark(name, "failed", e.message); }
      return states[name] !== "failed";
    };
    let parts, trust, record;
    const pin = pinned();
    const done = () => {
      for (const n of names) if (!states[n]) states[n] = mark(n, "skipped");
      const all = Object.entries(states);
      const failed = all.some(([, s]) => s === "failed");
      // A missing body proves nothing less about the entry; anything else that is missing does.
      const missing = all.some(([n, s]) => n !== "body" && n !== "record" && s === "skipped");
      verdict(failed ? "refuted" : missing ? "partial" : pin ? "proved" : "unpinned");
      document.getElementById("trust").hidden = failed || Boolean(pin) || !trust;
      document.getElementById("theirs").textContent = trust ? trust.list : "";
    };
    const ok = await at("proof", async () => { parts = parse(file); return ["ok", `${file.length} B`]; }) &&
      await at("charter", async () => {
        must(parts[0].extra.has("charters") && parts.slice(1).every((p) => !p.extra.has("charters")), "charters");
        trust = await chain(elements(parts[0].extra.get("charters")), pin);
        return [trust.signed ? "ok" : "skipped", trust.list];
      });
    if (ok) {
      await at("signature", async () => {
        for (const p of parts) {
          must(trust.logs.some((l) => l.origin === p.origin), p.origin);
          if (trust.signed) must(await noteSigned(p, trust.logs), p.origin);
        }
        return [trust.signed ? "ok" : "skipped", `${parts[0].origin} · ${parts[0].size}`];
      });
      await at("leaf", async () => {
        for (const p of parts) {
          p.leaf = p.extra.get("leaf");
          const m = members(p.leaf);
          p.e = JSON.parse(m.get("e"));
          p.o = JSON.parse(m.get("o"));
          must(p.e.list === trust.list, "list");
          if (asked.leaf) must(p.index === Number(asked.leaf), String(p.index));
        }
        if (parts.length > 1 || asked.id) record = tasukiRecord.read(parts);
        if (asked.id) must(parts[0].e.id === asked.id, parts[0].e.id);
        return ["ok", parts.map((p) => `${p.index}: ${p.e.kind} ${p.e.id || ""}`).join(", ")];
      });
      await at("path", async () => {
        for (const p of parts) {
          const got = await climb(await sha256([0], utf8.encode(p.extra.get("leaf"))), p.index, p.size, p.path);
          must(equal(got, p.tree), btoa(String.fromCharCode(...got)));
        }
        return ["ok", hex(parts[0].tree)];
      });
      await at("body", async () => bodies(record ? [...record.needed] : parts, fetched));
      // A file that the reader brought may be of an older version than the one that is shown now.
      if (asked.id && record && states.body === "ok") {
        await at("record", async () => {
          const at = asked.size ? `?size=${encodeURIComponent(asked.size)}` : "";
          const answer = await fetch(`/cve/${asked.id}.json${at}`, { cache: "no-store" });
          must(answer.ok, String(answer.status));
          await tasukiRecord.check(record, await answer.text(), opens);
          return ["ok", `${record.needed.size}/${parts.length}${at}`];
        });
      }
    }
    done();
  };
  const bodies = async (parts, fetched) => {
    let compared = 0, bytes = 0;
    for (const p of parts) {
      const { e, extra } = p;
      if (!e || !e.body || e.body.n === undefined || !extra.has("salt") || !fetched) continue;
      must(/^[0-9a-f]{64}$/.test(e.body.h), "hash");
      const answer = await fetch(`/body/${e.body.h.slice(0, 2)}/${e.body.h}`);
      must(answer.ok, String(answer.status));
      const raw = new Uint8Array(await answer.arrayBuffer());
      must(raw.length === e.body.n, `${raw.length} B`);
      must(hex(await sha256(unhex(JSON.parse(extra.get("salt"))), raw)) === e.body.h, e.body.h);
      p.body = text(raw);
      compared++;
      bytes += raw.length;
    }
    return compared === parts.length ? ["ok", `${bytes} B`] : ["skipped"];
  };

  const run = async () => {
    showPin();
    if (!root.dataset.proof) return;
    delete root.dataset.verdict;
    const answer = await fetch(root.dataset.proof, { cache: "no-store" }).catch(() => null);
    if (!answer || !answer.ok) {
      for (const n of names) mark(n, "skipped");
      verdict("absent");
      return;
    }
    let file;
    try { file = text(new Uint8Array(await answer.arrayBuffer())); } catch { file = ""; }
    // A newer version, which no published checkpoint covers yet, is not what this proof is of.
    const size = answer.headers.get("Tasuki-Proof-Size");
    await check(file, { id: root.dataset.id, leaf: root.dataset.leaf, size }, true);
  };

  const box = document.getElementById("list"), forget = document.getElementById("forget");
  const showPin = () => { box.value = pinned(); forget.hidden = !pinned(); };
  const keep = (id) => { try { localStorage.setItem(KEPT, id); } catch { /* a browser that keeps nothing: the pin holds for no page */ } };
  let again = run;
  document.getElementById("pin").addEventListener("submit", (ev) => {
    ev.preventDefault();
    const id = box.value.trim().toLowerCase();
    const good = /^[0-9a-f]{64}$/.test(id);
    document.getElementById("pin-wrong").hidden = good;
    if (good) { keep(id); again(); showPin(); }
  });
  forget.addEventListener("click", () => { try { localStorage.removeItem(KEPT); } catch { /* as above */ } again(); showPin(); });
  document.getElementById("keep").addEventListener("click", () => { keep(document.getElementById("theirs").textContent); again(); showPin(); });
  document.getElementById("file").addEventListener("change", async (ev) => {
    const chosen = ev.target.files[0];
    if (!chosen) return;
    const raw = new Uint8Array(await chosen.arrayBuffer());
    let file;
    try { file = text(raw); } catch { file = ""; }
    again = () => check(file, {}, true);
    again();
  });

  root.hidden = false;
  if (!window.crypto || !crypto.subtle) {
    for (const n of names) mark(n, "skipped");
    verdict("insecure");
    return;
  }
  run();
})();
