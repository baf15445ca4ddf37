// What the package is for.

// Package commitlogtest starts clusters of commit logs in a test, ready to be
// broken.
package commitlogtest
