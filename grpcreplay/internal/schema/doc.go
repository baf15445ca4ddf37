// What schemas are for.

// Package schema knows what the bytes of a message mean.
//
// A [Set] holds descriptors: the program's own, those of a recording, or one
// behind the other. With them it turns wire bytes into JSON and back, brings
// messages to a form in which equal messages have equal bytes ([Canon]), tells
// how two messages differ, and walks and rewrites their fields. Messages are
// never decoded to Go values: who made the bytes, and with which library, does
// not matter, and what the descriptors do not tell is kept as it is.
//
// Everything here is safe for concurrent use, and takes hostile bytes.
package schema
