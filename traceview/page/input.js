// Mouse, wheel and keyboard.
"use strict";

function listenToKeys(page) {
  const moves = {
    ArrowDown: () => page.move(1), ArrowUp: () => page.move(-1),
    PageDown: () => page.scroll(0.9), PageUp: () => page.scroll(-0.9),
    Home: () => page.moveTo(0), End: () => page.moveTo(page.layout.rows.length - 1),
    ArrowLeft: () => page.chooseCause(), ArrowRight: () => page.chooseEffect(),
    w: () => page.zoom(1.35), "+": () => page.zoom(1.35), s: () => page.zoom(1 / 1.35), "-": () => page.zoom(1 / 1.35),
    a: () => page.scroll(-0.3), d: () => page.scroll(0.3),
    f: () => page.fit(), t: () => page.turnAxis(), "[": () => page.problem(-1), "]": () => page.problem(1),
    "/": () => page.query.focus(), Escape: () => page.choose(-1),
  };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.target === page.query) {
      if (e.key === "Escape" || e.key === "Enter") page.stage.focus();
      return;
    }
    const inPanel = e.target.closest?.("#panel, #bar");
    if (inPanel && (e.key.startsWith("Arrow") || e.key.startsWith("Page") || e.key === "Home" || e.key === "End")) return;
    if (!Object.hasOwn(moves, e.key)) return;
    e.preventDefault();
    moves[e.key]();
  });
}

function listenToMouse(page) {
  const { stage, layout } = page;
  let grip = null;
  stage.addEventListener("wheel", (e) => {
    e.preventDefault();
    const pixels = e.deltaY * (e.deltaMode === 1 ? 16 : e.deltaMode === 2 ? layout.room : 1);
    if (e.ctrlKey || e.metaKey) layout.zoom(Math.exp(-pixels / 300), e.offsetY);
    else layout.pan(pixels);
    page.changed();
  }, { passive: false });
  stage.addEventListener("pointerdown", (e) => {
    if (e.button !== 0) return;
    grip = { y: e.clientY, moved: false };
    stage.setPointerCapture(e.pointerId);
  });
  stage.addEventListener("pointermove", (e) => {
    if (!grip) return page.hover(layout.hit(e.offsetX, e.offsetY));
    const by = grip.y - e.clientY;
    if (!grip.moved && Math.abs(by) < 4) return;
    grip = { y: e.clientY, moved: true };
    layout.pan(by);
    page.changed();
  });
  stage.addEventListener("pointerup", (e) => {
    if (grip && !grip.moved) page.choose(layout.hit(e.offsetX, e.offsetY), false);
    grip = null;
  });
  stage.addEventListener("pointercancel", () => { grip = null; });
  stage.addEventListener("pointerleave", () => page.hover(-1));
}

function listenToMap(page) {
  const { map, layout } = page;
  const go = (e) => {
    layout.top = map.posAt(e.offsetY) - layout.room / 2 / layout.scale;
    layout.clamp();
    page.changed();
  };
  map.canvas.addEventListener("pointerdown", (e) => {
    map.canvas.setPointerCapture(e.pointerId);
    go(e);
  });
  map.canvas.addEventListener("pointermove", (e) => { if (e.buttons & 1) go(e); });
  map.canvas.addEventListener("wheel", (e) => {
    e.preventDefault();
    layout.pan(e.deltaY);
    page.changed();
  }, { passive: false });
}
