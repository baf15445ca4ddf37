// The package of Connect: what it is for.

// Package connect holds the tests with Connect's client, which speaks gRPC
// with an HTTP/2 of its own.
package connect
