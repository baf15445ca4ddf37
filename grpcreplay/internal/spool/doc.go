// What the two binary forms of a recording are.

// Package spool writes and reads the two binary forms of a recording.
//
// The side file is what a recording under way appends to, a record for each
// thing that happens. Wherever its writer dies, what was written before can be
// loaded: [AppendHead], [AppendStart], [AppendEvent], [Load].
//
// The whole form is a finished recording of any size, loaded without copying
// its calls: [Write], [Read].
//
// Both begin with a magic of 16 bytes, which [Sniff] tells apart, and a
// version. docs/recording.md describes them byte by byte. All bytes may come
// from an enemy: each length is checked before it is believed, and what is
// taken from a file lies in a few times its size.
package spool
