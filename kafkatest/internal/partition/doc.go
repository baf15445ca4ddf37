// What the package is for.

// Package partition holds the log of one partition: batches one after the
// other, and what a broker knows of them by heart (offsets, producers,
// transactions, leader epochs).
//
// A [Log] is a plain value without a clock: times are passed in, in
// milliseconds since 1970. It knows nothing of replicas; who knows them moves
// the high watermark with Advance.
//
// # Invariants
//
//  1. Start <= HighWatermark <= End, and Start <= LastStable <= HighWatermark.
//  2. Batches lie in the order of their offsets, and no two overlap.
//  3. Bytes that were handed out never change: reading needs the lock of whoever
//     owns the log only until Read returns.
package partition
