// Inflating without the browser's help, for browsers whose
// DecompressionStream is missing or does not know deflate-raw (RFC 1951).
"use strict";

class Bits {
  constructor(bytes) { this.bytes = bytes; this.at = 0; this.hold = 0; this.count = 0; }

  take(n) {
    while (this.count < n) {
      if (this.at >= this.bytes.length) throw new Error("the data of this page is cut short");
      this.hold |= this.bytes[this.at++] << this.count;
      this.count += 8;
    }
    const v = this.hold & ((1 << n) - 1);
    this.hold >>>= n;
    this.count -= n;
    return v;
  }

  align() { this.hold = this.count = 0; }
}

// Code is a canonical prefix code: how many of each length, and the symbols
// in the order of their codes.
class Code {
  constructor(lengths) {
    this.counts = new Uint16Array(16);
    for (const n of lengths) this.counts[n]++;
    this.counts[0] = 0;
    const next = new Uint16Array(16);
    for (let n = 1; n < 16; n++) next[n] = next[n - 1] + this.counts[n - 1];
    this.symbols = new Uint16Array(lengths.length);
    lengths.forEach((n, symbol) => { if (n) this.symbols[next[n]++] = symbol; });
  }

  read(bits) {
    let code = 0, first = 0, index = 0;
    for (let n = 1; n < 16; n++) {
      code |= bits.take(1);
      const count = this.counts[n];
      if (code - first < count) return this.symbols[index + code - first];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new Error("the data of this page is damaged");
  }
}

const copyLength = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258];
const copyLengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const copyBack = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12289, 16385, 24577];
const copyBackBits = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function fixedCodes() {
  const lengths = [];
  for (let i = 0; i < 288; i++) lengths.push(i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8);
  return [new Code(lengths), new Code(new Array(30).fill(5))];
}

function writtenCodes(bits) {
  const literals = bits.take(5) + 257, backs = bits.take(5) + 1, known = bits.take(4) + 4;
  const meta = new Array(19).fill(0);
  for (let i = 0; i < known; i++) meta[lengthOrder[i]] = bits.take(3);
  const code = new Code(meta), lengths = [];
  while (lengths.length < literals + backs) {
    const s = code.read(bits);
    if (s < 16) lengths.push(s);
    else if (s === 16) repeat(lengths, lengths[lengths.length - 1], 3 + bits.take(2));
    else repeat(lengths, 0, s === 17 ? 3 + bits.take(3) : 11 + bits.take(7));
  }
  return [new Code(lengths.slice(0, literals)), new Code(lengths.slice(literals, literals + backs))];
}

function repeat(list, value, times) {
  while (times--) list.push(value);
}

// A Growing is a byte array that doubles.
class Growing {
  constructor() { this.bytes = new Uint8Array(1 << 16); this.length = 0; }

  push(b) {
    if (this.length === this.bytes.length) {
      const more = new Uint8Array(2 * this.length);
      more.set(this.bytes);
      this.bytes = more;
    }
    this.bytes[this.length++] = b;
  }
}

function inflate(bytes) {
  const bits = new Bits(bytes), out = new Growing();
  for (let last = 0; !last;) {
    last = bits.take(1);
    const type = bits.take(2);
    if (type === 0) inflateStored(bits, out);
    else inflateCoded(bits, out, type === 1 ? fixedCodes() : writtenCodes(bits));
  }
  return out.bytes.subarray(0, out.length);
}

function inflateStored(bits, out) {
  bits.align();
  let n = bits.take(16);
  bits.take(16);
  while (n--) out.push(bits.take(8));
}

function inflateCoded(bits, out, [literals, backs]) {
  for (;;) {
    const s = literals.read(bits);
    if (s === 256) return;
    if (s < 256) { out.push(s); continue; }
    let n = copyLength[s - 257] + bits.take(copyLengthBits[s - 257]);
    const b = backs.read(bits);
    let from = out.length - copyBack[b] - bits.take(copyBackBits[b]);
    while (n--) out.push(out.bytes[from++]);
  }
}
