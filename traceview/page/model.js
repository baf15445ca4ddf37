// The events as the page knows them: decoded from the data that data.go
// writes, and joined into hosts, arrows, bands and causes.
"use strict";

// unpack inflates with the browser's help, or without if it has none to give
// or own is true.
async function unpack(base64, own) {
  const packed = fromBase64(base64);
  let bytes;
  try {
    if (own) throw new Error("not wanted");
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    bytes = inflate(packed);
  }
  return JSON.parse(new TextDecoder().decode(bytes));
}

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const s = atob(text), bytes = new Uint8Array(s.length);
  for (let i = 0; i < s.length; i++) bytes[i] = s.charCodeAt(i);
  return bytes;
}

// summed turns differences into values.
function summed(differences) {
  const values = new Float64Array(differences.length);
  let sum = 0;
  for (let i = 0; i < values.length; i++) values[i] = sum += differences[i];
  return values;
}

// A Model holds columns, one entry per event, by index. Strings are numbers
// into names; name 0 is "".
class Model {
  constructor(data) {
    this.data = data;
    this.names = data.names;
    this.count = data.seq.length;
    this.seq = summed(data.seq);
    this.step = summed(data.step);
    this.at = summed(data.at);
    for (const column of ["kind", "where", "peer", "subject", "size"]) this[column] = data[column];
    this.byKind = data.names.map(lookOf);
    this.bodies = new Map(data.bodies.map(([i, body, whole]) => [i, { body, whole }]));
    this.notes = new Map(data.notes.map(([i, ...pairs]) => [i, pairs]));
    this.index = new Map();
    for (let i = 0; i < this.count; i++) this.index.set(this.seq[i], i);
    this.seeded = data.seed !== "0" || data.headerNotes[0]?.[0] !== "recording"; // a recording has no seed
    this.joinCauses();
    this.findHosts();
    this.findArrows();
    this.findBands();
  }

  kindName(i) { return this.names[this.kind[i]]; }
  look(i) { return this.byKind[this.kind[i]]; }

  // tint is the colour of an event: what is delivered has that of what was sent.
  tint(i) {
    const look = this.look(i), c = this.cause[i];
    return look === looks["net.deliver"] && c >= 0 ? this.look(c).color : look.color;
  }

  // joinCauses makes cause an index, and lists the effects of each event as a
  // chain: firstEffect of the cause, then nextEffect of each effect.
  joinCauses() {
    this.cause = new Int32Array(this.count).fill(-1);
    this.firstEffect = new Int32Array(this.count).fill(-1);
    this.nextEffect = new Int32Array(this.count).fill(-1);
    for (let i = this.count - 1; i >= 0; i--) {
      const back = this.data.cause[i];
      const c = back === 0 ? undefined : this.index.get(this.seq[i] - back);
      if (c === undefined || c === i) continue;
      this.cause[i] = c;
      this.nextEffect[i] = this.firstEffect[c];
      this.firstEffect[c] = i;
    }
  }

  *effects(i) {
    for (let e = this.firstEffect[i]; e >= 0; e = this.nextEffect[e]) yield e;
  }

  // findHosts gives each host a lane: first those that send and those they
  // send to, in order of appearance, so that a client stands left of its
  // server. Faults alone make no lane for the events without a host.
  findHosts() {
    const lanes = new Int32Array(this.names.length).fill(-1);
    this.hosts = [];
    this.laneOf = new Map();
    const seen = (name) => {
      if (name === 0 || lanes[name] >= 0) return;
      lanes[name] = this.hosts.push(this.names[name]) - 1;
      this.laneOf.set(this.names[name], lanes[name]);
    };
    let homeless = false;
    for (let i = 0; i < this.count; i++) {
      const look = this.look(i);
      if (look.level === "in") seen(this.peer[i]);
      if (!look.sends && !look.level) continue;
      seen(this.where[i]);
      seen(this.peer[i]);
    }
    for (let i = 0; i < this.count; i++) {
      if (this.look(i).fault) continue;
      seen(this.where[i]);
      seen(this.peer[i]);
      homeless ||= this.where[i] === 0;
    }
    if (homeless) lanes[0] = this.hosts.push("(no host)") - 1;
    this.lane = Int32Array.from(this.where, (name) => lanes[name]);
    this.peerLane = Int32Array.from(this.peer, (name) => (name === 0 ? -1 : lanes[name]));
    for (let i = 0; i < this.count; i++) {
      if (!this.look(i).fault) continue;
      const [first, second] = this.faultLanes(i);
      this.lane[i] = first ?? -1;
      this.peerLane[i] = second ?? -1;
    }
  }

  // faultLanes returns the lanes a fault is about. Its Where and Peer may be
  // hosts joined by commas, an address or a connection; a host that nothing
  // but faults happens to has no lane.
  faultLanes(i) {
    const words = `${this.names[this.where[i]]},${this.names[this.peer[i]]}`.split(/[,>]/);
    const lanes = words.map((w) => this.laneOf.get(w) ?? this.laneOf.get(w.replace(/[:#].*$/, "")));
    return lanes.filter((l) => l !== undefined);
  }

  // faultWords tells a fault: its own text if its subject is that.
  faultWords(i) {
    const kind = this.kindName(i), subject = this.names[this.subject[i]], own = kind.slice("fault.".length);
    const notes = (this.notes.get(i) || []).map(([k, v]) => `${k}=${v}`);
    if (kind === "fault.end") return ["end", subject, ...notes].filter((w) => w).join("  ");
    if (subject.startsWith(own + " ")) return [subject, ...notes].join("  ");
    const hosts = [this.where[i], this.peer[i]].filter((n) => n).map((n) => this.names[n]).join(" ↔ ");
    return [own, hosts, subject, ...notes].filter((w) => w).join("  ");
  }

  // findArrows joins what was sent to what came of it. An event whose cause
  // names its host as the peer came from there. What never came is a stub.
  findArrows() {
    this.arrows = [];
    for (let i = 0; i < this.count; i++) {
      const look = this.look(i);
      const c = this.cause[i];
      const travels = c >= 0 && this.look(c).sends;
      if (look.level) this.findLevel(i, look);
      else if (travels && this.where[i] === this.peer[c] && !look.sends) {
        this.arrows.push({ from: c, to: i, lane: this.lane[i], look: look.ends ? look : this.look(c), lost: false });
      } else if (look.lost) {
        const from = travels ? c : i;
        this.arrows.push({ from, to: i, lane: this.peerLane[from], look, lost: true });
      } else if (look.sends && this.peerLane[i] >= 0 && this.firstEffect[i] < 0) {
        this.arrows.push({ from: i, to: -1, lane: this.peerLane[i], look, lost: false });
      }
    }
    this.arrows.sort((a, b) => a.from - b.from);
    this.arrowsOf = new Map();
    for (const a of this.arrows) {
      for (const i of new Set([a.from, a.to])) {
        if (i < 0) continue;
        if (!this.arrowsOf.has(i)) this.arrowsOf.set(i, []);
        this.arrowsOf.get(i).push(a);
      }
    }
  }

  // findLevel gives an event whose host and peer it names an arrow in its row.
  findLevel(i, look) {
    const [here, there] = [this.lane[i], this.peerLane[i]];
    if (here < 0 || there < 0 || here === there) return;
    const [start, lane] = look.level === "in" ? [there, here] : [here, there];
    this.arrows.push({ from: i, to: i, start, lane, look, lost: false });
  }

  // findBands makes a band of every fault that lasts: one that a fault.end
  // ends, or that is not known as momentary and comes from no other event.
  findBands() {
    this.bands = [];
    const open = new Map();
    for (let i = 0; i < this.count; i++) {
      const name = this.kindName(i);
      if (name === "fault.end") {
        const band = open.get(this.cause[i]);
        if (band) band.to = i;
      } else if (this.look(i).fault) {
        const band = { from: i, to: -1, lasts: !this.look(i).moment && this.cause[i] < 0 };
        open.set(i, band);
        this.bands.push(band);
      }
    }
    this.bands = this.bands.filter((b) => b.lasts || b.to >= 0);
    this.bandAt = new Map(this.bands.map((b) => [b.from, b]));
  }

  // cone returns the events that led to i and those it led to.
  cone(i) {
    const all = new Set([i]);
    for (let c = this.cause[i]; c >= 0 && !all.has(c); c = this.cause[c]) all.add(c);
    const queue = [i];
    while (queue.length && all.size < 5000) {
      for (const e of this.effects(queue.pop())) {
        if (!all.has(e)) queue.push(e);
        all.add(e);
      }
    }
    return all;
  }

  // payload returns the kept payload of i, or of what caused it if i only
  // tells that it came.
  payload(i) {
    const own = this.bodies.get(i);
    const c = this.cause[i];
    if (own || c < 0 || this.size[i] === 0 || this.size[c] !== this.size[i]) return own && { ...own, of: i };
    const theirs = this.bodies.get(c);
    return theirs && { ...theirs, of: c };
  }

  // excerpt returns the beginning of a payload as one line, "" if it is not
  // text.
  excerpt(i, length) {
    const kept = this.bodies.get(i);
    if (!kept || !kept.body) return "";
    const head = kept.body.slice(0, length);
    if (/[^\x20-\x7e\r\n\t]/.test(head)) return "";
    return head.replace(/[\r\n\t]+/g, " ").trim() + (kept.body.length > length ? "…" : "");
  }

  // line returns event i in words.
  line(i) {
    const host = this.names[this.where[i]], peer = this.names[this.peer[i]];
    const words = [this.seq[i], duration(this.at[i]), this.kindName(i), peer ? `${host} ↔ ${peer}` : host,
      this.names[this.subject[i]], this.size[i] ? `${this.size[i]} bytes` : "", this.excerpt(i, 60)];
    return words.filter((w) => w !== "").join("  ");
  }
}

// duration writes nanoseconds as Go does, but rounded to what one can read.
function duration(ns) {
  const sign = ns < 0 ? "-" : "", n = Math.abs(ns);
  if (n === 0) return "0s";
  if (n < 1e3) return `${sign}${n}ns`;
  if (n < 1e6) return `${sign}${+(n / 1e3).toFixed(3)}µs`;
  if (n < 1e9) return `${sign}${+(n / 1e6).toFixed(3)}ms`;
  if (n < 60e9) return `${sign}${n % 1e6 || n % 1e9 === 0 ? +(n / 1e9).toFixed(6) : (n / 1e9).toFixed(3)}s`;
  const h = Math.floor(n / 3600e9), m = Math.floor(n / 60e9) % 60, s = +((n % 60e9) / 1e9).toFixed(3);
  return sign + (h ? `${h}h` : "") + `${m}m${s}s`;
}
