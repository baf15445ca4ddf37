// Where things are: which events are shown, and the way from order or time to
// pixels and back.
"use strict";

const topMargin = 44; // the hosts' names
const gutter = 84;    // the times
const rowHeight = 22; // of an event, unzoomed, when order runs downwards

class Layout {
  constructor(model) {
    this.model = model;
    this.axis = "order";
    this.width = this.height = 100;
    this.show(choose(model, "").rows);
  }

  // show sets the events shown. pos is where a row lies on the axis: its
  // number, or its time.
  show(rows) {
    this.rows = rows;
    if (this.axis === "time") {
      const { at } = this.model;
      rows = this.rows = rows.slice().sort((a, b) => at[a] - at[b] || a - b);
    }
    this.pos = this.axis === "time"
      ? Float64Array.from(rows, (i) => this.model.at[i])
      : Float64Array.from(rows, (_, r) => r);
    this.rowOf = new Int32Array(this.model.count).fill(-1);
    rows.forEach((i, r) => { this.rowOf[i] = r; });
    this.arrows = this.model.arrows.filter((a) => this.rowOf[a.from] >= 0 && (a.to < 0 || this.rowOf[a.to] >= 0));
    this.arrows.sort((a, b) => this.rowOf[a.from] - this.rowOf[b.from]);
    this.reach = new Int32Array(this.arrows.length); // the lowest row that this arrow or one before it touches
    let low = 0;
    this.arrows.forEach((a, k) => {
      low = Math.max(low, this.rowOf[a.from], a.to < 0 ? 0 : this.rowOf[a.to]);
      this.reach[k] = low;
    });
    this.usualPause = this.findUsualPause();
  }

  // findUsualPause returns the time between two rows that three of four keep
  // below.
  findUsualPause() {
    const pauses = [];
    for (let r = 1; r < this.rows.length && pauses.length < 10000; r++) {
      const ns = this.model.at[this.rows[r]] - this.model.at[this.rows[r - 1]];
      if (ns > 0) pauses.push(ns);
    }
    return pauses.sort((a, b) => a - b)[Math.floor(0.75 * (pauses.length - 1))] ?? 0;
  }

  get first() { return this.pos.length ? this.pos[0] : 0; }
  get last() { return this.pos.length ? this.pos[this.pos.length - 1] : 1; }
  get room() { return Math.max(1, this.height - topMargin); }

  // fit shows everything, but no larger than at first.
  fit() {
    const span = Math.max(this.last - this.first, this.axis === "time" ? 1 : 1e-9);
    this.scale = (this.room - 2 * rowHeight) / span;
    if (this.axis === "order") this.scale = Math.min(this.scale, rowHeight);
    this.top = this.first - rowHeight / this.scale;
    this.whole = true;
  }

  // open shows the beginning, at a size that can be read.
  open() {
    this.fit();
    if (this.axis === "order") {
      this.scale = rowHeight;
      this.whole = false;
    }
    this.top = this.first - rowHeight / this.scale;
  }

  y(pos) { return topMargin + (pos - this.top) * this.scale; }
  yOf(i) { return this.y(this.pos[this.rowOf[i]]); }
  posAt(y) { return this.top + (y - topMargin) / this.scale; }

  zoom(factor, y) {
    const pos = this.posAt(y), least = (this.room - 2 * rowHeight) / Math.max(this.last - this.first, 1);
    const most = this.axis === "order" ? 60 : this.room / 10;
    this.scale = Math.min(Math.max(this.scale * factor, Math.min(least, rowHeight)), most);
    this.top = pos - (y - topMargin) / this.scale;
    this.whole = false;
    this.clamp();
  }

  pan(pixels) {
    this.top += pixels / this.scale;
    this.clamp();
  }

  // refit keeps everything in view when the room changes, if it was.
  refit() {
    if (this.whole) this.fit();
    else this.clamp();
  }

  clamp() {
    const page = this.room / this.scale, margin = rowHeight / this.scale;
    const low = this.first - margin;
    this.top = Math.max(low, Math.min(this.top, Math.max(low, this.last + margin - page)));
  }

  // reveal brings event i into the middle unless it is well in view.
  reveal(i) {
    if (this.rowOf[i] < 0) return;
    const y = this.yOf(i);
    if (y > topMargin + rowHeight && y < this.height - rowHeight) return;
    this.top = this.pos[this.rowOf[i]] - this.room / 2 / this.scale;
    this.clamp();
  }

  // rowAt returns the first row at pos or below.
  rowAt(pos) {
    let lo = 0, hi = this.pos.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.pos[mid] < pos) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }

  // rowAtEvent returns the row of event i, or where it would stand.
  rowAtEvent(i) {
    if (this.rowOf[i] >= 0) return this.rowOf[i];
    if (this.axis === "time") return this.rowAt(this.model.at[i]);
    let lo = 0, hi = this.rows.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.rows[mid] < i) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }

  // seen returns the rows in view: from, and the row behind the last.
  seen() {
    const slack = 12 / this.scale;
    return [this.rowAt(this.top - slack), this.rowAt(this.posAt(this.height) + slack)];
  }

  // firstArrow returns the first arrow that may reach row, by number.
  firstArrow(row) {
    let lo = 0, hi = this.reach.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (this.reach[mid] < row) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }

  // laneX returns the middle of a host's lane. Lanes stay near each other
  // when there are few.
  laneX(lane) {
    return gutter + (lane + 0.5) * this.laneWidth;
  }

  get laneWidth() {
    return Math.min(380, (this.width - gutter) / Math.max(1, this.model.hosts.length));
  }

  // hit returns the event at a point, or -1.
  hit(x, y) {
    if (y < topMargin || this.rows.length === 0) return -1;
    const pos = this.posAt(y);
    const reach = this.axis === "order" ? Math.max(0.5, 6 / this.scale) : 8 / this.scale;
    let best = -1, least = Infinity;
    for (let r = this.rowAt(pos - reach); r < this.rows.length && this.pos[r] <= pos + reach; r++) {
      const dy = Math.abs(this.y(this.pos[r]) - y);
      const dx = Math.abs(this.laneX(Math.max(0, this.model.lane[this.rows[r]])) - x);
      const far = dy * 4 + dx / 8;
      if (far < least) [best, least] = [this.rows[r], far];
    }
    return best;
  }
}
