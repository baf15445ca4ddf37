// The package of what all services' tests share: what it is for.

// Package stage runs a program before a real service and before its recording,
// and compares what it saw.
package stage
