// The package of Bigtable: what it is for.

// Package bigtable holds the tests with Google Bigtable's client and its
// stand-in bttest.
package bigtable
