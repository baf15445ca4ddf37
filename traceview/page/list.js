// The list behind the canvas, for those who do not see it: the events in
// view as options, of which the chosen one is active.
"use strict";

const listed = 60;

class EventList {
  constructor(stage, root, layout) {
    this.stage = stage;
    this.root = root;
    this.layout = layout;
  }

  // update lists the events around the chosen one, or the first in view.
  update(chosen) {
    const { layout } = this, { model } = layout;
    const row = chosen >= 0 && layout.rowOf[chosen] >= 0 ? layout.rowOf[chosen] - listed / 2 : layout.seen()[0];
    const from = Math.max(0, row), to = Math.min(layout.rows.length, from + listed);
    const key = `${from} ${to} ${chosen} ${layout.rows.length}`;
    if (key === this.key) return;
    this.key = key;
    const options = [];
    for (let r = from; r < to; r++) {
      const i = layout.rows[r];
      options.push(el("div", {
        role: "option", id: `event-${model.seq[i]}`, "aria-selected": String(i === chosen),
        "aria-setsize": String(layout.rows.length), "aria-posinset": String(r + 1),
      }, model.line(i)));
    }
    this.root.replaceChildren(...options);
    if (chosen >= 0) this.stage.setAttribute("aria-activedescendant", `event-${model.seq[chosen]}`);
    else this.stage.removeAttribute("aria-activedescendant");
  }
}
