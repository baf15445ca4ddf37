// How each kind of event looks: its colour, its mark on the lane, its arrow.
"use strict";

// Marks: disc, ring, diamond, square, cross, triangle. A look that sends has
// arrows going out; one that ends gives its own look to the arrow it ends. One
// with a level has an arrow within its row, in from its peer or out to it. A
// named look is labelled with its subject, one about it with its name and
// that, a noted one with its notes too; the label of one that goes along
// stands above its arrow.
const looks = {
  "net.send": { name: "data", color: "stream", mark: "disc", sends: true },
  "net.deliver": { name: "delivered", color: "stream", mark: "ring", small: true },
  "net.dial": { name: "connect", color: "connect", mark: "triangle", sends: true, head: "open" },
  "net.connect": { name: "connected", color: "connect", mark: "ring" },
  "net.accept": { name: "accepted", color: "connect", mark: "disc" },
  "net.listen": { name: "listens", color: "connect", mark: "square", about: true },
  "net.unlisten": { name: "listens no more", color: "fin", mark: "square" },
  "net.fin": { name: "FIN", color: "fin", mark: "square", sends: true, head: "bar" },
  "net.close": { name: "closed", color: "fin", mark: "square", small: true },
  "net.rst": { name: "reset", color: "rst", mark: "cross", sends: true, head: "cross", problem: true },
  "net.refused": { name: "refused", color: "rst", mark: "cross", ends: true, head: "full", problem: true },
  "net.timeout": { name: "timed out", color: "rst", mark: "cross", problem: true },
  "net.packet": { name: "datagram", color: "packet", mark: "diamond", sends: true, head: "open" },
  "net.drop": { name: "lost", color: "lost", mark: "cross", lost: true, head: "cross", problem: true },
  "kafka.connect": { name: "connected", color: "connect", mark: "triangle", small: true },
  "kafka.request": { name: "request", color: "stream", mark: "disc", level: "in", named: true },
  "kafka.response": { name: "response", color: "packet", mark: "ring", level: "out", small: true },
  "kafka.rule": { name: "rule", color: "fault", mark: "triangle", named: true, noted: true, problem: true },
  "kafka.bad": { name: "not a request", color: "rst", mark: "cross", noted: true, problem: true },
  "kafka.close": { name: "closed", color: "fin", mark: "square", small: true, noted: true },
  "kafka.stop": { name: "stops", color: "rst", mark: "square" },
  "kafka.start": { name: "starts", color: "connect", mark: "square" },
  "grpc.call": { name: "call", color: "connect", mark: "triangle", level: "out", along: true, named: true },
  "grpc.send": { name: "request", color: "stream", mark: "disc", level: "out", along: true },
  "grpc.close": { name: "half-close", color: "fin", mark: "square", level: "out", along: true, head: "bar", small: true },
  "grpc.header": { name: "header", color: "packet", mark: "ring", level: "out", along: true, small: true },
  "grpc.recv": { name: "answer", color: "packet", mark: "disc", level: "out", along: true },
  "grpc.end": { name: "end", color: "fin", mark: "square", level: "out", along: true, head: "bar", noted: true },
  "grpc.cancel": { name: "cancelled", color: "rst", mark: "cross", level: "out", along: true, head: "cross", problem: true },
  "grpc.miss": { name: "not recorded", color: "rst", mark: "cross", noted: true, problem: true },
  "grpc.stall": { name: "waited in vain", color: "fault", mark: "triangle", noted: true, problem: true },
  "node.start": { name: "starts", color: "connect", mark: "square", noted: true },
  "node.stop": { name: "is stopped", color: "fin", mark: "square" },
  "node.exit": { name: "ended", color: "fin", mark: "square", small: true, noted: true },
  "node.kill": { name: "killed", color: "rst", mark: "cross", problem: true },
  "node.crash": { name: "crashed", color: "rst", mark: "cross", problem: true },
  "node.poweroff": { name: "power off", color: "rst", mark: "cross", problem: true },
  "node.clock": { name: "clock", color: "fault", mark: "triangle", named: true },
  "nemesis.begin": { name: "nemesis", color: "fault", mark: "triangle", about: true },
  "nemesis.end": { name: "nemesis ends", color: "fault", mark: "square", small: true },
  "node.log": { name: "log", color: "dot", mark: "disc", small: true },
  "disk.write": { name: "written", color: "packet", mark: "disc", small: true, about: true },
  "disk.sync": { name: "synced", color: "packet", mark: "ring", small: true, about: true },
  "disk.rename": { name: "renamed", color: "packet", mark: "diamond", small: true, about: true },
  "disk.loss": { name: "lost", color: "lost", mark: "cross", about: true, noted: true, problem: true },
  "disk.crash": { name: "disk crashed", color: "rst", mark: "cross", about: true, noted: true, problem: true },
  "grpc.rule": { name: "rule", color: "fault", mark: "triangle", noted: true, problem: true },
};

const plainLook = { name: "", color: "dot", mark: "disc", small: true };
const faultLook = { name: "fault", color: "fault", mark: "triangle", fault: true, problem: true };
const faultEndLook = { name: "fault ends", color: "fault", mark: "square", small: true, fault: true };

// moments are the faults that hit one thing and are over.
const moments = ["loss", "corrupt", "reorder", "duplicate", "backlog", "reset", "rule"];
const momentLook = { ...faultLook, moment: true };

function lookOf(kind) {
  if (Object.hasOwn(looks, kind)) return looks[kind];
  if (moments.includes(kind.slice("fault.".length)) && kind.startsWith("fault.")) return momentLook;
  if (kind === "fault.end") return faultEndLook;
  return kind.startsWith("fault.") ? faultLook : plainLook;
}

// The colours in force, read from the style sheet.
let colors = {};

function readColors() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "panel", "line", "rule", "lane", "ink", "soft", "faint", "chosen", "focus", "stream", "connect",
    "fin", "rst", "packet", "lost", "fault", "band", "dot"]) {
    colors[name] = style.getPropertyValue("--" + name).trim();
  }
}

const marks = {
  disc(c, x, y, r) { c.arc(x, y, r, 0, 7); c.fill(); },
  ring(c, x, y, r) {
    c.arc(x, y, r, 0, 7);
    c.fillStyle = colors.paper;
    c.fill();
    c.stroke();
  },
  square(c, x, y, r) {
    c.rect(x - r, y - r, 2 * r, 2 * r);
    c.fillStyle = colors.paper;
    c.fill();
    c.stroke();
  },
  diamond(c, x, y, r) {
    c.moveTo(x, y - r - 1); c.lineTo(x + r + 1, y); c.lineTo(x, y + r + 1); c.lineTo(x - r - 1, y);
    c.fill();
  },
  triangle(c, x, y, r) {
    c.moveTo(x, y - r - 1); c.lineTo(x + r + 1, y + r); c.lineTo(x - r - 1, y + r);
    c.fill();
  },
  cross(c, x, y, r) {
    c.moveTo(x - r, y - r); c.lineTo(x + r, y + r); c.moveTo(x + r, y - r); c.lineTo(x - r, y + r);
    c.stroke();
  },
};

function drawMark(c, look, x, y, r, tint = look.color) {
  c.beginPath();
  c.fillStyle = c.strokeStyle = colors[tint];
  c.lineWidth = look.mark === "cross" ? 2 : 1.6;
  marks[look.mark](c, x, y, look.small ? r * 0.72 : r);
}

// drawHead ends an arrow that comes from angle at x, y.
function drawHead(c, head, x, y, angle) {
  const at = (turn, r) => [x - r * Math.cos(angle + turn), y - r * Math.sin(angle + turn)];
  c.beginPath();
  if (head === "cross") {
    marks.cross(c, ...at(0, 9), 4);
  } else if (head === "bar") {
    c.moveTo(...at(Math.PI / 2, 5)); c.lineTo(...at(-Math.PI / 2, 5));
    c.stroke();
  } else {
    c.moveTo(...at(0.4, 9)); c.lineTo(x, y); c.lineTo(...at(-0.4, 9));
    if (head === "open") c.stroke();
    else c.fill();
  }
}
