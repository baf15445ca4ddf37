// The package of traces: what it is for.

// Package traces holds the test that a call of the log can be followed through
// client and server by OpenTelemetry's own instrumentation of gRPC.
package traces
