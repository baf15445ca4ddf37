// The filter: words that an event must have, or must not.
"use strict";

// A query is words apart by spaces; each must hold. A word is text that occurs
// anywhere in the event, or one of its fields: kind:, host:, peer:, subject:,
// note:, body:, seq:, after:, before:. A leading - turns a word round; quotes
// keep spaces.
function parseQuery(text) {
  const words = text.match(/-?(?:[a-z]+:)?(?:"[^"]*"?|[^\s"]+)/gi) || [];
  return words.map((word) => {
    const not = word.startsWith("-") && word.length > 1;
    const [, field, value] = /^([a-z]+:)?(.*)$/is.exec(not ? word.slice(1) : word);
    const known = field && Object.hasOwn(fieldTests, field.slice(0, -1).toLowerCase());
    const wanted = (known ? value : (field || "") + value).replaceAll('"', "").toLowerCase();
    return { not, field: known ? field.slice(0, -1).toLowerCase() : "any", wanted };
  }).filter((word) => word.wanted !== "");
}

const fieldTests = {
  kind: (m, i, v) => m.lower(m.kind[i]).includes(v),
  host: (m, i, v) => m.lower(m.where[i]) === v || m.lower(m.peer[i]) === v,
  peer: (m, i, v) => m.lower(m.peer[i]) === v,
  subject: (m, i, v) => m.lower(m.subject[i]).includes(v),
  note: (m, i, v) => noteHas(m, i, v),
  body: (m, i, v) => bodyHas(m, i, v),
  seq: (m, i, v) => m.seq[i] === Number(v),
  after: (m, i, v) => m.at[i] >= parseDuration(v),
  before: (m, i, v) => m.at[i] <= parseDuration(v),
  any: (m, i, v) => m.lower(m.kind[i]).includes(v) || m.lower(m.where[i]).includes(v) ||
    m.lower(m.peer[i]).includes(v) || m.lower(m.subject[i]).includes(v) || noteHas(m, i, v) || bodyHas(m, i, v),
};

function noteHas(m, i, v) {
  const notes = m.notes.get(i);
  return notes !== undefined && notes.some(([key, value]) => `${key}=${value}`.toLowerCase().includes(v));
}

function bodyHas(m, i, v) {
  const kept = m.bodies.get(i);
  return kept !== undefined && kept.body.toLowerCase().includes(v);
}

// parseDuration reads what Go writes: 1h2m3.5s, 20ms, 15µs.
function parseDuration(text) {
  const units = { h: 3600e9, m: 60e9, s: 1e9, ms: 1e6, "µs": 1e3, us: 1e3, ns: 1 };
  let ns = 0;
  for (const [, n, unit] of text.matchAll(/([\d.]+)(ms|µs|us|ns|h|m|s)/g)) ns += n * units[unit];
  return ns;
}

// choose returns the indices of the events to show: those that match, and the
// other ends of their arrows.
function choose(model, text) {
  const words = parseQuery(text);
  if (words.length === 0) return { rows: Int32Array.from({ length: model.count }, (_, i) => i), matched: model.count };
  model.lowered ??= model.names.map((name) => name.toLowerCase());
  model.lower ??= (name) => model.lowered[name];
  const shown = new Uint8Array(model.count);
  let matched = 0;
  for (let i = 0; i < model.count; i++) {
    if (!words.every((w) => fieldTests[w.field](model, i, w.wanted) !== w.not)) continue;
    matched++;
    shown[i] = 1;
    for (const a of model.arrowsOf.get(i) || []) {
      shown[a.from] = 1;
      if (a.to >= 0) shown[a.to] = 1;
    }
  }
  const rows = [];
  for (let i = 0; i < model.count; i++) if (shown[i]) rows.push(i);
  return { rows: Int32Array.from(rows), matched };
}
