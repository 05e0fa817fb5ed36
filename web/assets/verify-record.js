// Makes a record of the entries that prove it, as docs/protocols/log.md says how: the newest whole document, and the containers
// put since in their places. verify.js calls it and compares the outcome with the record that the server shows. Values are compared,
// not bytes: "tasuki verify record" is the stricter check.
(() => {
  "use strict";
  const must = (ok, why) => { if (!ok) throw new Error(why); };
  const whole = (e) => e.kind === "record.imported/1" || e.kind === "record.replaced/1";
  const rejects = (e) => e.kind === "record.rejected/1";
  const container = (e) => rejects(e) ? "cna" : e.kind === "record.put/1" ? e.cont : "";
  const plain = (v) => v !== null && typeof v === "object" && !Array.isArray(v);

  // The parts of one record: a whole document at most, first; then containers in the log's order; then the commitment to the
  // owner that the first container opens.
  const read = (parts) => {
    const out = { base: null, puts: [], owner: null, needed: new Set() };
    for (const [i, p] of parts.entries()) {
      const first = out.puts[0], own = first && first.o.own;
      if ((p.e.kind === "private/1" || p.e.kind === "block.granted/1") && i === parts.length - 1 && own && own.i === p.index) {
        out.owner = p;
        continue;
      }
      if (i === 0 && whole(p.e)) {
        out.base = p;
      } else {
        must(container(p.e) && (i === 0 || parts[i - 1].index < p.index), `${p.index}: ${p.e.kind}`);
        out.puts.push(p);
      }
      must(p.e.id === parts[0].e.id, p.e.id || p.e.kind);
    }
    if (out.base) out.needed.add(out.base);
    const gone = new Set();
    for (const p of out.puts.slice().reverse()) {
      const place = container(p.e) === "cna" ? "cna" : p.e.by;
      if (!gone.has("all") && !gone.has(place)) out.needed.add(p);
      gone.add(place);
      if (rejects(p.e)) gone.add("all");
    }
    return out;
  };

  // newer says whether a format version is above another, number by number.
  const newer = (a, b) => {
    const [x, y] = [a.split("."), b.split(".")];
    for (let i = 0; i < Math.max(x.length, y.length); i++) {
      const d = Number(x[i] || 0) - Number(y[i] || 0);
      if (d) return d > 0;
    }
    return false;
  };

  const put = (record, p, assigner) => {
    const e = p.e, format = e.dv.split(".").slice(0, 2).join(".");
    const body = p.body ? JSON.parse(p.body) : {};
    body.providerMetadata = { ...(plain(body.providerMetadata) ? body.providerMetadata : {}), orgId: e.by, dateUpdated: e.at };
    if (!record) {
      record = { dataType: "CVE_RECORD", dataVersion: format, containers: {}, cveMetadata: { cveId: e.id, assignerOrgId: assigner } };
      if (e.short) record.cveMetadata.assignerShortName = e.short;
      if (e.reserved) record.cveMetadata.dateReserved = e.reserved;
    }
    const meta = record.cveMetadata, held = record.containers;
    if (container(e) === "adp") {
      held.adp = held.adp || [];
      const at = held.adp.findIndex((c) => plain(c) && plain(c.providerMetadata) && String(c.providerMetadata.orgId).toLowerCase() === e.by.toLowerCase());
      held.adp.splice(at < 0 ? held.adp.length : at, 1, body);
    } else {
      held.cna = body;
      if (rejects(e)) {
        if (meta.state !== "REJECTED") meta.dateRejected = e.at;
        delete held.adp;
      } else {
        delete meta.dateRejected;
        meta.datePublished = meta.datePublished || e.at;
      }
      meta.state = rejects(e) ? "REJECTED" : "PUBLISHED";
    }
    meta.dateUpdated = e.at;
    if (!record.dataVersion || newer(format, record.dataVersion)) record.dataVersion = format;
    return record;
  };

  // assigner is whom the first container's opening names: tried is who it may be. Where an earlier leaf opened, the container says it.
  const assigner = async (r, opens, tried) => {
    const first = r.puts[0];
    if (r.base || !first.o.own) return first && (first.e.org || first.e.by);
    must(r.owner, "owner");
    for (const org of tried) if (await opens(r.owner, first.o.own.salt, first.e.id, org)) return org;
    throw new Error("owner");
  };

  const same = (a, b) => {
    if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((v, i) => same(v, b[i]));
    if (!plain(a)) return a === b;
    const keys = Object.keys(a);
    return plain(b) && keys.length === Object.keys(b).length && keys.every((k) => Object.hasOwn(b, k) && same(a[k], b[k]));
  };

  // check says whether the record in text is what the parts make. opens(part, salt, id, org) is the caller's way to hash.
  const check = async (r, text, opens) => {
    const served = JSON.parse(text);
    let record = r.base ? JSON.parse(r.base.body) : null;
    const whose = await assigner(r, opens, [...r.puts.slice(0, 1).map((p) => p.e.by), String(served.cveMetadata && served.cveMetadata.assignerOrgId)]);
    for (const p of r.puts) record = put(record, p, whose);
    must(same(record, served), r.puts.length ? "record" : "document");
  };

  globalThis.tasukiRecord = { read, check };
})();
