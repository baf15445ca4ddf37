// The page: it holds the state, draws when the state changes, and keeps it in
// the address so that a link shows the same.
"use strict";

const byId = (id) => document.getElementById(id);

// complain shows what went wrong to whoever looks, and to tests.
function complain(what) {
  byId("problem").hidden = false;
  byId("problem").textContent += what + "\n";
}

addEventListener("error", (e) => complain(e.message));
addEventListener("unhandledrejection", (e) => complain(String(e.reason)));
document.addEventListener("securitypolicyviolation", (e) => complain(`${e.violatedDirective}: ${e.blockedURI}`));

class Page {
  constructor(model) {
    this.model = model;
    this.layout = new Layout(model);
    this.stage = byId("stage");
    this.query = byId("query");
    this.lanes = new Lanes(byId("lanes"), this.layout);
    this.map = new Minimap(byId("map"), this.layout);
    this.list = new EventList(this.stage, byId("options"), this.layout);
    this.panel = new Panel(byId("panel"), model, (i) => this.choose(i));
    this.chosen = this.hovered = -1;
    this.cone = null;
    this.waiting = false;
  }

  start() {
    this.setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
    this.tellFacts();
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (wanted.get("theme")) this.setTheme(wanted.get("theme") === "dark");
    if (wanted.get("axis") === "time") this.layout.axis = "time";
    this.query.value = wanted.get("q") || "";
    this.measure();
    this.filter();
    this.layout.open();
    if (wanted.has("fit")) this.layout.fit();
    this.listen();
    this.choose(this.model.index.get(Number(wanted.get("seq"))) ?? -1);
    this.draw();
  }

  listen() {
    listenToKeys(this);
    listenToMouse(this);
    listenToMap(this);
    new ResizeObserver(() => { if (this.measure()) this.draw(); }).observe(this.stage);
    this.query.addEventListener("input", () => { this.filter(); this.layout.open(); this.reveal(); this.remember(); });
    byId("axis").onclick = () => this.turnAxis();
    byId("fit").onclick = () => this.fit();
    byId("before").onclick = () => this.problem(-1);
    byId("after").onclick = () => this.problem(1);
    byId("theme").onclick = () => { this.setTheme(!this.dark); this.panel.show(this.chosen); this.changed(); };
  }

  setTheme(dark) {
    this.dark = dark;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    readColors();
  }

  tellFacts() {
    const { model: m } = this;
    const test = m.data.headerNotes.find(([key]) => key === "test");
    if (test) {
      byId("title").textContent = test[1];
      document.title = `${test[1]} · Rehearse trace`;
    }
    const length = m.count ? m.at[m.count - 1] : 0;
    byId("facts").textContent = `${m.count.toLocaleString("en")} events · ${m.hosts.length} hosts · ` +
      duration(length) + (m.seeded ? ` · seed ${m.data.seed}` : "");
  }

  // measure fits the canvases to the window; it reports whether that changed.
  measure() {
    const box = this.stage.getBoundingClientRect(), map = byId("map").getBoundingClientRect();
    const size = `${box.width} ${box.height} ${map.width} ${devicePixelRatio}`;
    if (size === this.size) return false;
    this.size = size;
    this.lanes.resize(box.width, box.height, devicePixelRatio);
    this.map.resize(map.width, map.height, devicePixelRatio);
    if (this.layout.scale) this.layout.refit();
    return true;
  }

  filter() {
    const { rows, matched } = choose(this.model, this.query.value);
    this.layout.show(rows);
    this.map.count();
    byId("matched").textContent = this.query.value.trim() ? `${matched.toLocaleString("en")} match` : "";
    byId("axis").textContent = this.layout.axis === "time" ? "Time" : "Order";
    this.changed();
  }

  turnAxis() {
    this.layout.axis = this.layout.axis === "time" ? "order" : "time";
    this.filter();
    this.layout.open();
    this.reveal();
    this.remember();
  }

  reveal() {
    if (this.chosen >= 0) this.layout.reveal(this.chosen);
    this.changed();
  }

  choose(i, reveal = true) {
    this.chosen = i;
    this.cone = i < 0 || this.model.look(i).fault ? null : this.model.cone(i);
    this.panel.show(i);
    if (i >= 0 && this.layout.rowOf[i] < 0) {
      this.query.value = "";
      this.filter();
    }
    if (reveal) this.reveal();
    this.remember();
    this.changed();
  }

  hover(i) {
    if (i === this.hovered) return;
    this.hovered = i;
    this.stage.title = i < 0 ? "" : this.model.line(i);
    this.changed();
  }

  moveTo(row) {
    const { rows } = this.layout;
    if (rows.length) this.choose(rows[Math.max(0, Math.min(rows.length - 1, row))]);
  }

  move(by) {
    const row = this.chosen < 0 ? -1 : this.layout.rowOf[this.chosen];
    this.moveTo(row < 0 ? this.layout.seen()[0] : row + by);
  }

  chooseCause() {
    if (this.chosen >= 0 && this.model.cause[this.chosen] >= 0) this.choose(this.model.cause[this.chosen]);
  }

  chooseEffect() {
    if (this.chosen >= 0 && this.model.firstEffect[this.chosen] >= 0) this.choose(this.model.firstEffect[this.chosen]);
  }

  problem(by) {
    const { rows, rowOf } = this.layout;
    let row = this.chosen < 0 ? (by > 0 ? -1 : rows.length) : rowOf[this.chosen];
    do row += by; while (row >= 0 && row < rows.length && !this.model.look(rows[row]).problem);
    if (row >= 0 && row < rows.length) this.choose(rows[row]);
  }

  zoom(factor) {
    const seen = this.chosen >= 0 && this.layout.rowOf[this.chosen] >= 0 ? this.layout.yOf(this.chosen) : -1;
    this.layout.zoom(factor, seen > topMargin && seen < this.layout.height ? seen : this.layout.height / 2);
    this.changed();
  }

  scroll(pages) {
    this.layout.pan(pages * this.layout.room);
    this.changed();
  }

  fit() {
    this.layout.fit();
    this.changed();
  }

  remember() {
    const hash = new URLSearchParams();
    if (this.query.value) hash.set("q", this.query.value);
    if (this.layout.axis === "time") hash.set("axis", "time");
    if (this.chosen >= 0) hash.set("seq", this.model.seq[this.chosen]);
    try {
      history.replaceState(null, "", "#" + hash);
    } catch { /* some browsers forbid it to pages from disk */ }
  }

  changed() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }

  draw() {
    const began = performance.now();
    const drawn = this.lanes.draw(this);
    this.map.draw();
    this.list.update(this.chosen);
    const told = document.documentElement.dataset;
    told.drawMs = (performance.now() - began).toFixed(1);
    told.drawnEvents = drawn.events;
    told.drawnArrows = drawn.arrows;
    told.drawnBands = drawn.bands;
  }
}

async function open() {
  const data = byId("data");
  const base64 = data.textContent.trim();
  data.remove();
  const model = new Model(await unpack(base64, location.hash.includes("inflate=own")));
  const page = new Page(model);
  page.start();
  document.documentElement.dataset.events = model.count;
  document.documentElement.dataset.readyMs = performance.now().toFixed(0);
}

const opened = open().catch((e) => complain(`This trace cannot be shown: ${e.message}`));
