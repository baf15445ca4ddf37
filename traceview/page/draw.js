// Drawing the lanes: only what is in view, each pixel once when there is much.
"use strict";

const crowded = 7; // pixels a row below which marks and words are left out

class Lanes {
  constructor(canvas, layout) {
    this.canvas = canvas;
    this.c = canvas.getContext("2d", { alpha: false });
    this.layout = layout;
    this.model = layout.model;
  }

  resize(width, height, ratio) {
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.width = width + "px";
    this.canvas.style.height = height + "px";
    this.c.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.layout.width = width;
    this.layout.height = height;
  }

  // draw returns how many events, arrows and bands it drew.
  draw({ chosen, hovered, cone }) {
    const { c, layout } = this;
    this.cone = cone;
    [this.from, this.to] = layout.seen();
    this.pitch = this.rowPitch();
    c.fillStyle = colors.paper;
    c.fillRect(0, 0, layout.width, layout.height);
    this.drawChosenRow(hovered, colors.faint);
    this.drawChosenRow(chosen, colors.chosen);
    this.drawTimes();
    const bands = this.drawBands();
    this.drawLanes();
    const arrows = this.drawArrows();
    const events = this.pitch < crowded ? this.drawCrowd() : this.drawEvents();
    this.drawBandNames();
    this.drawHosts();
    return { arrows, events, bands };
  }

  // rowPitch is the usual distance of two rows in view, in pixels.
  rowPitch() {
    const n = this.to - this.from;
    return this.layout.axis === "order" ? this.layout.scale : n > 1 ? this.layout.room / n : rowHeight;
  }

  drawChosenRow(i, color) {
    if (i < 0 || this.layout.rowOf[i] < 0) return;
    const h = Math.max(3, Math.min(rowHeight, this.layout.axis === "order" ? this.layout.scale : 16));
    this.c.fillStyle = color;
    this.c.fillRect(0, this.layout.yOf(i) - h / 2, this.layout.width, h);
  }

  // bandPlace returns the place of a band on the canvas: the lanes of its
  // hosts, or all.
  bandPlace(band) {
    const { layout, model } = this;
    const edge = (i, side) => {
      const row = layout.rowAtEvent(i);
      return layout.y(layout.pos[row] ?? layout.last) + side * Math.min(layout.scale * 0.5, rowHeight / 2);
    };
    const lanes = model.faultLanes(band.from);
    const w = layout.laneWidth, inset = Math.min(14, w / 8);
    const left = lanes.length ? layout.laneX(Math.min(...lanes)) - w / 2 + inset : gutter;
    const right = lanes.length ? layout.laneX(Math.max(...lanes)) + w / 2 - inset : layout.width;
    const bottom = band.to < 0 ? Math.max(layout.y(layout.last) + 30, layout.height) : edge(band.to, 1);
    return { left, right, top: edge(band.from, -1), bottom };
  }

  drawBands() {
    const { c, layout, model } = this;
    let count = 0;
    for (const band of model.bands) {
      const { left, right, top, bottom } = this.bandPlace(band);
      if (bottom < topMargin || top > layout.height) continue;
      count++;
      c.save();
      c.beginPath();
      c.rect(left, top, right - left, Math.max(2, bottom - top));
      c.clip();
      c.globalAlpha = 0.13;
      c.fillStyle = colors.band;
      c.fill();
      c.globalAlpha = 0.16;
      this.hatch(left, right, Math.max(top, 0), Math.min(bottom, layout.height));
      c.restore();
      c.fillStyle = colors.fault;
      c.fillRect(left, top, 3, Math.max(2, bottom - top));
    }
    return count;
  }

  // drawBandNames names the bands whose beginning is not there to tell.
  drawBandNames() {
    const { layout } = this;
    let low = -100;
    for (const band of this.model.bands) {
      const { left, top, bottom } = this.bandPlace(band), y = Math.max(top, topMargin) + 14;
      if (bottom < topMargin + 20 || top > layout.height) continue;
      if (layout.rowOf[band.from] >= 0 && this.pitch >= crowded && top >= topMargin) continue;
      if (this.pitch < crowded && y < low + 14) continue;
      low = y;
      this.words(this.model.faultWords(band.from), left + 9, y, colors.fault, "left", "600 ");
    }
  }

  hatch(left, right, top, bottom) {
    const { c } = this, height = bottom - top;
    c.strokeStyle = colors.fault;
    c.lineWidth = 1;
    c.beginPath();
    const start = left - height - ((left - height + bottom) % 14);
    for (let x = start; x < right; x += 14) {
      c.moveTo(x, bottom);
      c.lineTo(x + height, top);
    }
    c.stroke();
  }

  // drawTimes writes the times into the gutter, and rules a line where time
  // goes on.
  drawTimes() {
    const { c, layout, model } = this;
    c.font = "11px system-ui, sans-serif";
    c.textAlign = "right";
    c.textBaseline = "middle";
    c.lineWidth = 1;
    if (layout.axis === "time") return this.drawTicks();
    let lastY = -100;
    for (let r = this.from; r < this.to; r += this.pitch < 1 ? Math.ceil(1 / this.pitch) : 1) {
      const at = model.at[layout.rows[r]];
      const y = layout.y(layout.pos[r]);
      const turns = r === 0 || model.at[layout.rows[r - 1]] !== at;
      if (turns && r > 0 && this.pitch >= crowded) this.pause(at - model.at[layout.rows[r - 1]], y - layout.scale / 2);
      if (y - lastY < 16 || (!turns && r !== this.from)) continue;
      lastY = y;
      c.fillStyle = colors.soft;
      c.fillText(duration(at), gutter - 14, y);
    }
  }

  // pause rules a line where time goes on, and says how far if that is long.
  pause(ns, y) {
    const long = ns >= 5 * this.layout.usualPause && ns >= 1e6;
    this.rule(y, long ? colors.lane : colors.rule);
    if (!long) return;
    const { c, layout } = this;
    this.words(`${duration(ns)} later`, layout.width - 12, y, colors.soft, "right", "italic ");
    c.font = "11px system-ui, sans-serif";
  }

  drawTicks() {
    const { c, layout } = this;
    const step = tickStep(60 / layout.scale);
    for (let t = Math.ceil(layout.top / step) * step; layout.y(t) < layout.height; t += step) {
      this.rule(layout.y(t));
      c.fillStyle = colors.soft;
      c.fillText(duration(Math.round(t)), gutter - 14, layout.y(t));
    }
  }

  rule(y, color = colors.rule) {
    const { c, layout } = this;
    c.strokeStyle = color;
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(gutter - 8, Math.round(y) + 0.5);
    c.lineTo(layout.width, Math.round(y) + 0.5);
    c.stroke();
  }

  drawLanes() {
    const { c, layout, model } = this;
    c.strokeStyle = colors.lane;
    c.lineWidth = 1.5;
    c.beginPath();
    model.hosts.forEach((_, lane) => {
      c.moveTo(layout.laneX(lane), topMargin);
      c.lineTo(layout.laneX(lane), layout.height);
    });
    c.stroke();
  }

  // drawHosts writes the hosts' names above all.
  drawHosts() {
    const { c, layout, model } = this;
    c.fillStyle = colors.paper;
    c.fillRect(0, 0, layout.width, topMargin);
    c.fillStyle = colors.line;
    c.fillRect(0, topMargin - 1, layout.width, 1);
    c.textBaseline = "middle";
    c.textAlign = "right";
    c.font = "11px system-ui, sans-serif";
    c.fillStyle = colors.soft;
    c.fillText(layout.axis === "time" ? "time" : "order, time", gutter - 14, topMargin / 2);
    c.textAlign = "center";
    c.font = "600 12.5px system-ui, sans-serif";
    model.hosts.forEach((host, lane) => {
      const name = fitted(c, host, layout.laneWidth - 18);
      const w = c.measureText(name).width + 22, x = layout.laneX(lane);
      c.beginPath();
      c.roundRect(x - w / 2, topMargin / 2 - 12, w, 24, 12);
      c.fillStyle = colors.faint;
      c.fill();
      c.strokeStyle = colors.lane;
      c.lineWidth = 1;
      c.stroke();
      c.fillStyle = colors.ink;
      c.fillText(name, x, topMargin / 2 + 0.5);
    });
  }

  // words writes text on a ground that keeps lines away from it.
  words(text, x, y, color, align, weight = "") {
    const { c } = this;
    c.font = weight + "11px system-ui, sans-serif";
    c.textAlign = align;
    c.textBaseline = "middle";
    c.lineWidth = 3;
    c.lineJoin = "round";
    c.strokeStyle = colors.paper;
    c.strokeText(text, x, y);
    c.fillStyle = color;
    c.fillText(text, x, y);
  }

  drawEvents() {
    const { layout } = this;
    const room = { y: [] }; // the last label's y, lane by lane
    for (let r = this.from; r < this.to; r++) {
      const i = layout.rows[r], y = layout.y(layout.pos[r]);
      this.c.globalAlpha = this.dimmed(i) ? 0.35 : 1;
      this.drawEvent(i, y, room);
    }
    this.c.globalAlpha = 1;
    return this.to - this.from;
  }

  dimmed(i) { return this.cone !== null && !this.cone.has(i); }

  drawEvent(i, y, room) {
    const { layout, model } = this;
    const lane = model.lane[i], look = model.look(i);
    const x = lane < 0 ? gutter + 8 : layout.laneX(lane);
    drawMark(this.c, look, x, y, 4.2, model.tint(i));
    if (this.pitch < 12 || y - (room.y[lane] ?? -99) < 12) return;
    const text = this.label(i, look);
    if (text === "") return;
    room.y[lane] = y;
    const { align, dx, dy, width } = this.labelPlace(i, lane, x);
    this.c.font = "11px system-ui, sans-serif";
    const color = look.problem ? colors[look.color] : colors.ink;
    this.words(fitted(this.c, text, width), x + dx, y + dy, color, align);
  }

  // labelPlace keeps a label away from the event's arrow: above it where the
  // arrow leaves, on the other side where it comes from.
  labelPlace(i, lane, x) {
    const { layout, model } = this, look = model.look(i), peer = model.peerLane[i];
    const edge = layout.width - x - 14, step = layout.laneWidth;
    if (lane < 0 || peer < 0 || look.fault) return { align: "left", dx: 11, dy: 0, width: edge };
    const above = look.sends || look.along;
    const last = lane === model.hosts.length - 1, toRight = above ? peer >= lane : peer < lane;
    const free = toRight ? (last ? edge : step - 26) : (lane === 0 ? step / 2 - 14 : step - 26);
    const dy = above ? -Math.min(7.5, this.pitch * 0.36) : 0;
    return { align: toRight ? "left" : "right", dx: toRight ? 10 : -10, dy, width: free };
  }

  label(i, look) {
    const { model } = this;
    if (look.fault) return model.faultWords(i);
    if (look === looks["net.deliver"]) return "";
    const size = model.size[i] ? `${model.size[i]} B` : "";
    const words = look === plainLook ? model.kindName(i) : look === looks["net.send"] || look.named ? "" : look.name;
    const at = look === plainLook || look.about || look.named ? model.names[model.subject[i]] : "";
    const told = look.noted ? model.notes.get(i) || [] : [];
    const few = { rule: ["rule"], code: ["code", "message"] }[told[0]?.[0]]; // the rest of them is for the panel
    const notes = told.filter(([key]) => !few || few.includes(key)).map(([, value]) => value);
    return [words, at, ...notes, size, model.excerpt(i, 64)].filter((w) => w !== "").join("  ");
  }

  drawArrows() {
    const { layout } = this;
    const drawn = new Set();
    let count = 0;
    for (let k = layout.firstArrow(this.from); k < layout.arrows.length; k++) {
      const a = layout.arrows[k];
      const from = layout.rowOf[a.from];
      if (from >= this.to) break;
      const to = a.to < 0 ? from : layout.rowOf[a.to];
      if (Math.max(from, to) < this.from) continue;
      if (this.pitch < crowded && seenBefore(drawn, this, a)) continue;
      this.drawArrow(a, layout.y(layout.pos[from]), layout.y(layout.pos[to]));
      count++;
    }
    this.c.globalAlpha = 1;
    this.c.setLineDash([]);
    return count;
  }

  drawArrow(a, y1, y2) {
    const { c, layout, model } = this;
    const x1 = layout.laneX(a.start ?? model.lane[a.from]);
    let x2 = a.lane < 0 ? x1 + layout.laneWidth / 2 : layout.laneX(a.lane);
    const close = this.pitch < crowded;
    const lit = this.cone !== null && this.cone.has(a.from) && (a.to < 0 || this.cone.has(a.to));
    const usual = close && !a.look.problem ? (this.pitch < 1 ? 0.14 : 0.45) : a.to < 0 ? 0.6 : 1;
    c.globalAlpha = this.cone === null || lit ? (lit ? 1 : usual) : Math.min(usual, 0.22);
    c.strokeStyle = c.fillStyle = colors[a.look.color];
    c.lineWidth = lit ? 2.4 : close ? 1 : 1.5;
    c.setLineDash(a.lost ? [6, 4] : a.to < 0 ? [2, 3] : []);
    if (a.lost) x2 = x1 + (x2 - x1) * 0.62;
    if (a.to < 0) x2 = x1 + Math.sign(x2 - x1) * Math.min(34, Math.abs(x2 - x1));
    c.beginPath();
    c.moveTo(x1, y1);
    if (x1 === x2) {
      const out = Math.min(40, layout.laneWidth / 3);
      c.bezierCurveTo(x1 + out, y1, x1 + out, y2, x2, y2);
    } else {
      c.lineTo(x2, y2);
    }
    c.stroke();
    c.setLineDash([]);
    if (close || a.to < 0) return;
    const angle = x1 === x2 ? Math.PI : Math.atan2(y2 - y1, x2 - x1);
    const back = a.lost ? -6 : 5;
    c.lineWidth = 1.8;
    drawHead(c, a.look.head || "full", x2 - back * Math.cos(angle), y2 - back * Math.sin(angle), angle);
  }

  // drawCrowd draws events too close for marks as strokes on their lanes, one
  // a pixel; problems are drawn last and wider.
  drawCrowd() {
    const { c, layout, model } = this;
    const used = new Set();
    const problems = [];
    let count = 0;
    for (let r = this.from; r < this.to; r++) {
      const i = layout.rows[r], look = model.look(i);
      const y = Math.round(layout.y(layout.pos[r])), lane = model.lane[i];
      const key = y * 4096 + lane * 2 + (look.problem ? 1 : 0);
      if (used.has(key)) continue;
      used.add(key);
      count++;
      if (look.problem) problems.push([look, lane, y]);
      else this.stroke(look, lane, y, 3);
    }
    for (const [look, lane, y] of problems) this.stroke(look, lane, y, 6);
    return count;
  }

  stroke(look, lane, y, half) {
    const x = lane < 0 ? gutter + 4 : this.layout.laneX(lane);
    this.c.fillStyle = colors[look.color];
    this.c.fillRect(x - half, y - 0.5, 2 * half, half > 3 ? 2 : 1);
  }
}

// seenBefore reports whether an arrow like a lies on the same pixels already.
function seenBefore(drawn, lanes, a) {
  const { layout, model } = lanes;
  const y1 = Math.round(layout.y(layout.pos[layout.rowOf[a.from]]) / 2);
  const y2 = a.to < 0 ? y1 : Math.round(layout.y(layout.pos[layout.rowOf[a.to]]) / 2);
  const key = `${y1} ${y2} ${a.start ?? model.lane[a.from]} ${a.lane} ${a.look.color} ${lanes.cone?.has(a.from)}`;
  if (drawn.has(key)) return true;
  drawn.add(key);
  return false;
}

// fitted shortens text to a width.
function fitted(c, text, width) {
  if (c.measureText(text).width <= width) return text;
  let lo = 0, hi = text.length;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if (c.measureText(text.slice(0, mid) + "…").width <= width) lo = mid;
    else hi = mid - 1;
  }
  return lo === 0 ? "" : text.slice(0, lo) + "…";
}

// tickStep returns the least round duration of at least ns.
function tickStep(ns) {
  for (const unit of [1, 1e3, 1e6]) {
    for (const n of [1, 2, 5, 10, 20, 50, 100, 200, 500]) if (unit * n >= ns) return unit * n;
  }
  const seconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400];
  return (seconds.find((s) => s * 1e9 >= ns) ?? Math.ceil(ns / 864e11) * 86400) * 1e9;
}
