// What the package is for.

// Package sample is a service with every kind of call, and a program that
// uses it and tells what it sees: the same from the service and from any
// recording of it, if that is true.
package sample
