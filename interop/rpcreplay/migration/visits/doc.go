// What the package is for.

// Package visits counts visits of pages in a table of Bigtable: a program
// whose test docs/from-rpcreplay.md moves from rpcreplay.
package visits
