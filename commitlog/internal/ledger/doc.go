// What the package is for.

// Package ledger holds what a node knows from its log beside the records: which
// producers have written what, who the members are, where the entries lie that
// may still be replaced. All of it is a function of the log, and none of it
// does I/O.
package ledger
