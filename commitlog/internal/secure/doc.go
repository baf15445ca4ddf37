// What the package is for.

// Package secure has mutual TLS out of files that are read again when they
// change, and says who is at the other end of a connection. It speaks TLS 1.3
// and nothing older: both ends are ours, or modern.
package secure
