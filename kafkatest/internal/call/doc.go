// What the package is for.

// Package call is the seam between the brokers, which have goroutines,
// sockets and a clock, and the state behind them, which has none: who asks,
// what it may do and why it is refused, when it is, what is due later, and how
// an answer that cannot be given yet is given later.
//
// Nothing in it is safe for use by several goroutines at once: the shell
// enters the state under one lock, which it never holds while it waits.
package call
