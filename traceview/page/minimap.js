// The whole run in a narrow strip: how much happens where, problems, bands,
// and the part in view.
"use strict";

class Minimap {
  constructor(canvas, layout) {
    this.canvas = canvas;
    this.c = canvas.getContext("2d", { alpha: false });
    this.layout = layout;
  }

  resize(width, height, ratio) {
    this.width = width;
    this.height = height;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.c.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.count();
  }

  yOf(pos) {
    const { first, last } = this.layout;
    return 4 + (pos - first) / Math.max(last - first, 1e-9) * (this.height - 8);
  }

  posAt(y) {
    const { first, last } = this.layout;
    return first + (y - 4) / (this.height - 8) * (last - first);
  }

  // count sums the bytes and problems of each line of pixels; it is asked
  // when the layout changes, not at every drawing.
  count() {
    const { layout } = this, { model } = layout;
    this.load = new Float64Array(Math.max(1, Math.ceil(this.height)));
    this.problems = new Uint8Array(this.load.length);
    for (let r = 0; r < layout.rows.length; r++) {
      const i = layout.rows[r];
      const y = Math.min(this.load.length - 1, Math.max(0, Math.floor(this.yOf(layout.pos[r]))));
      this.load[y] += layout.axis === "time" ? 1 : Math.log2(2 + model.size[i]);
      if (model.look(i).problem) this.problems[y] = 1;
    }
    this.most = this.load.reduce((a, b) => Math.max(a, b), 1);
  }

  draw() {
    const { c, layout } = this;
    c.fillStyle = colors.panel;
    c.fillRect(0, 0, this.width, this.height);
    c.globalAlpha = 0.3;
    c.fillStyle = colors.band;
    for (const band of layout.model.bands) {
      const y = this.yOf(layout.pos[layout.rowAtEvent(band.from)] ?? layout.last);
      const end = band.to < 0 ? this.height : this.yOf(layout.pos[layout.rowAtEvent(band.to)] ?? layout.last);
      c.fillRect(0, y, this.width, Math.max(2, end - y));
    }
    c.globalAlpha = 0.75;
    c.fillStyle = colors.stream;
    for (let y = 0; y < this.load.length; y++) {
      if (this.load[y]) c.fillRect(8, y, 2 + this.load[y] / this.most * (this.width - 22), 1);
    }
    c.globalAlpha = 1;
    c.fillStyle = colors.rst;
    for (let y = 0; y < this.load.length; y++) if (this.problems[y]) c.fillRect(this.width - 8, y - 1, 6, 2);
    this.drawWindow();
  }

  drawWindow() {
    const { c, layout } = this;
    const top = Math.max(1, this.yOf(layout.top)), bottom = Math.min(this.height - 1, this.yOf(layout.posAt(layout.height)));
    c.globalAlpha = 0.12;
    c.fillStyle = colors.focus;
    c.fillRect(1, top, this.width - 2, Math.max(4, bottom - top));
    c.globalAlpha = 1;
    c.strokeStyle = colors.focus;
    c.lineWidth = 1;
    c.strokeRect(1.5, Math.round(top) + 0.5, this.width - 3, Math.max(4, Math.round(bottom - top)));
  }
}
