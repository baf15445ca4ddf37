// What redaction promises.

// Package redact takes secrets out of recordings before they reach a disk.
//
// What is secret is decided by the names of metadata keys, fields and map
// keys, by the option debug_redact, and by the shape of tokens wherever they
// stand. Each secret gives way to a pseudonym, an HMAC of it:
//
//  1. Equal secrets have equal pseudonyms, so that recorded calls still match
//     what a program sends once that has been redacted as well.
//  2. A pseudonym stays as it is, also if a program got it from a recording
//     and sends it on: redacting twice is redacting once.
//  3. Bytes that were a message still are one. Where a field's type is known
//     its pseudonym may be longer; in bytes of unknown meaning a token gives
//     way to as many other bytes.
//  4. What is empty, or zero, stays so.
//
// Not promised: the salt stands in the recording, so that who has both can
// try guesses. A password out of a dictionary is hidden from readers, not
// from an attack. Nor is every secret found: names and shapes are heuristics.
// In bytes that read both as a message and as a text, a secret across tags or
// lengths gives way to asterisks, and different ones may become alike.
package redact
