// The package of OpenTelemetry: what it is for.

// Package otlp holds the tests with OpenTelemetry's exporter of traces.
package otlp
