// What the package is for.

// Package wire holds what lies between a connection's bytes and Kafka's
// messages: frames, request headers and response headers, in every version.
package wire
