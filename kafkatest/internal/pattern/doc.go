// What the package is for.

// Package pattern compiles the regular expressions that clients and configs
// bring: RE2's, in Go as in newer parts of Kafka.
package pattern
