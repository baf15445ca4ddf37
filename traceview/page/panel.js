// The panel: all of the chosen event, or the run as a whole. Whatever comes
// from the journal is put in as text, never as markup.
"use strict";

// el makes an element with properties and children; strings become text.
function el(name, properties, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(properties || {})) {
    if (key in e) e[key] = value;
    else e.setAttribute(key, value);
  }
  e.append(...children.filter((c) => c !== null));
  return e;
}

function swatch(look) {
  const s = el("span", { className: "swatch" });
  s.style.background = `var(--${look.color})`;
  return s;
}

class Panel {
  constructor(root, model, choose) {
    this.root = root;
    this.model = model;
    this.choose = choose;
  }

  show(i) {
    this.root.replaceChildren(...(i < 0 ? this.overview() : this.details(i)));
    this.root.scrollTop = 0;
  }

  details(i) {
    const { model: m } = this, names = m.names, look = m.look(i);
    const list = el("dl");
    const row = (name, value) => {
      if (value !== "" && value !== 0) list.append(el("dt", null, name), el("dd", null, String(value)));
    };
    row("at", duration(m.at[i]));
    row("step", m.step[i]);
    row("where", names[m.where[i]]);
    row("peer", names[m.peer[i]]);
    row("subject", names[m.subject[i]]);
    row("size", m.size[i] ? `${m.size[i].toLocaleString("en")} bytes` : "");
    for (const [key, value] of m.notes.get(i) || []) row(key, value || '""');
    return [
      el("h2", null, swatch(look), m.kindName(i) || "(no kind)", el("small", null, `event ${m.seq[i]}`)),
      list, ...this.causes(i), ...this.effects(i), ...this.payload(i),
    ];
  }

  // causes lists the chain that led to i, the first first.
  causes(i) {
    const chain = [i];
    const seen = new Set(chain);
    for (let c = this.model.cause[i]; c >= 0 && !seen.has(c); c = this.model.cause[c]) {
      chain.push(c);
      seen.add(c);
    }
    if (chain.length === 1) return [];
    const shown = chain.slice(0, 12).reverse();
    const more = chain.length > 12 ? el("p", { className: "note" }, `${chain.length - 12} earlier causes`) : null;
    return [el("h3", null, "Led to by"), ...(more ? [more] : []), this.events(shown, i)];
  }

  effects(i) {
    const all = [...this.model.effects(i)];
    if (all.length === 0) return [];
    const more = all.length > 20 ? [el("p", { className: "note" }, `and ${all.length - 20} more`)] : [];
    return [el("h3", null, "Led to"), this.events(all.slice(0, 20), i), ...more];
  }

  events(indices, current) {
    const { model: m } = this;
    const item = (i) => {
      const where = m.names[m.where[i]], peer = m.names[m.peer[i]];
      const button = el("button", { type: "button", title: m.line(i), onclick: () => this.choose(i) },
        el("span", { className: "num" }, String(m.seq[i])),
        el("span", null, swatch(m.look(i)), ` ${m.kindName(i)}  ${where}${peer ? " ↔ " + peer : ""}`),
        el("span", { className: "when" }, duration(m.at[i])));
      button.querySelector(".swatch").style.display = "inline-block";
      if (i === current) button.setAttribute("aria-current", "true");
      return el("li", null, button);
    };
    return el("ul", { className: "events" }, ...indices.map(item));
  }

  payload(i) {
    const { model: m } = this, kept = m.payload(i);
    if (!kept) {
      return m.size[i] ? [el("h3", null, "Payload"), el("p", { className: "note" }, "Not kept in this journal.")] : [];
    }
    const notes = [];
    if (kept.of !== i) notes.push(`As event ${m.seq[kept.of]} sent it.`);
    if (kept.whole) notes.push(`Cut: the first ${kept.body.length.toLocaleString("en")} of ${kept.whole.toLocaleString("en")} bytes.`);
    const parts = [el("h3", null, "Payload", el("span", null, `${(kept.whole || kept.body.length).toLocaleString("en")} B`))];
    for (const n of notes) parts.push(el("p", { className: "note" }, n));
    if (kept.body === "") return [...parts, el("p", { className: "note" }, "Kept, and empty.")];
    return [...parts, el("pre", { className: "text", tabIndex: 0, ariaLabel: "Payload as text" }, asText(kept.body)),
      el("h3", null, "Bytes"), ...this.hex(kept.body)];
  }

  hex(body) {
    const few = 1024;
    const pre = el("pre", { className: "hex", tabIndex: 0, ariaLabel: "Payload as bytes" }, hexDump(body.slice(0, few)));
    if (body.length <= few) return [pre];
    const all = el("button", {
      type: "button",
      onclick() { pre.textContent = hexDump(body); all.remove(); },
    }, "Show all bytes");
    return [pre, el("p", { className: "note" }, all)];
  }

  overview() {
    const { model: m } = this, d = m.data;
    const list = el("dl");
    for (const [key, value] of [...(m.seeded ? [["seed", d.seed]] : []), ...d.headerNotes]) {
      list.append(el("dt", null, key), el("dd", null, value));
    }
    const config = d.config ? [el("h3", null, "Configuration"), el("pre", null, d.config)] : [];
    const problems = [];
    for (let i = 0; i < m.count; i++) if (m.look(i).problem) problems.push(i);
    const found = problems.length
      ? [el("h3", null, "Faults and losses", el("span", null, String(problems.length))), this.events(problems.slice(0, 12), -1)]
      : [];
    return [el("h2", null, "This run"), list, ...config, ...found, ...legend(m), ...keys()];
  }
}

// asText reads the bytes as UTF-8; what cannot be printed gets a sign.
function asText(body) {
  const bytes = Uint8Array.from(body, (ch) => ch.charCodeAt(0));
  return new TextDecoder().decode(bytes).replace(/\r\n/g, "\n")
    .replace(/[\x00-\x08\x0b-\x1f]/g, (ch) => String.fromCharCode(0x2400 + ch.charCodeAt(0))).replace(/\x7f/g, "␡");
}

function hexDump(body) {
  const lines = [];
  for (let at = 0; at < body.length; at += 16) {
    const row = body.slice(at, at + 16);
    const hex = Array.from(row, (ch) => ch.charCodeAt(0).toString(16).padStart(2, "0"));
    const pairs = hex.join("").replace(/(....)/g, "$1 ").trimEnd().padEnd(39);
    lines.push(`${at.toString(16).padStart(4, "0")} ${pairs}  ${row.replace(/[^\x20-\x7e]/g, "·")}`);
  }
  return lines.join("\n");
}

function legend(m) {
  const of = (room) => m.names.some((name) => name.startsWith(room));
  const shown = of("kafka.") ? ["kafka.request", "kafka.response", "kafka.rule", "kafka.bad"] : [];
  if (of("grpc.")) shown.push("grpc.call", "grpc.send", "grpc.recv", "grpc.header", "grpc.end", "grpc.cancel");
  if (of("net.") || shown.length === 0) {
    shown.push("net.send", "net.dial", "net.fin", "net.rst", "net.packet", "net.drop", "net.refused");
  }
  const items = shown.map((kind) => el("li", null, sample(looks[kind]), looks[kind].name));
  items.push(el("li", null, sample(faultLook), "fault"));
  return [el("h3", null, "Signs"), el("ul", { className: "legend" }, ...items)];
}

// sample draws a small arrow of a look.
function sample(look) {
  const canvas = el("canvas", { width: 68, height: 28, ariaHidden: "true" });
  const c = canvas.getContext("2d");
  c.scale(2, 2);
  c.strokeStyle = c.fillStyle = colors[look.color];
  c.lineWidth = 1.5;
  if (look.fault) {
    c.globalAlpha = 0.3;
    c.fillRect(0, 0, 34, 14);
    c.globalAlpha = 1;
  } else {
    c.setLineDash(look.lost ? [4, 3] : []);
    c.beginPath();
    c.moveTo(6, 7);
    c.lineTo(28, 7);
    c.stroke();
    c.setLineDash([]);
    drawHead(c, look.head || "full", look.head === "cross" ? 36 : 31, 7, 0);
  }
  if (!look.ends && !look.lost) drawMark(c, look, look.fault ? 17 : 6, 7, 3.6);
  return canvas;
}

function keys() {
  const rows = [["↑ ↓", "event before, after"], ["← →", "its cause, its effect"], ["[ ]", "problem before, after"],
    ["w s", "zoom in, out"], ["a d", "earlier, later"], ["f", "everything"], ["t", "order or time"], ["/", "filter"],
    ["Esc", "back to this page"]];
  const table = el("table", { className: "keys" },
    ...rows.map(([k, what]) => el("tr", null,
      el("td", null, ...k.split(" ").flatMap((one) => [el("kbd", null, one), " "])), el("td", null, what))));
  return [el("h3", null, "Keys"), table];
}
