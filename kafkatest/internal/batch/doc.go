// What the package is for.

// Package batch holds record batches: reading, checking, building, patching
// and converting them.
//
// A [Batch] is the bytes of one batch of message format 2 (KIP-98), as it
// travels and as it is stored. [Check] does for a partition's part of a
// Produce request what a broker does before it appends; message sets of
// formats 0 and 1 become batches there, and a [Conversion] makes message sets
// of batches for clients that know nothing newer. A [Form] makes batches of
// records.
//
// Everything here is a function of its arguments, and safe for use by several
// goroutines at once as far as they do not write to the same bytes.
package batch
