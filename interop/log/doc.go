// The package of the log's foreign clients: what it is for.

// Package log holds tests that run other people's clients against rehearse log
// serve: one generated from the description of the service's ancestor, with
// that one's own tests, balancer and resolver; and one in Python. Package
// traces looks at a call through OpenTelemetry.
//
// It is a module of its own, so that none of them moves anybody's
// requirements, and its tests reach the service as another process, because
// the ancestor's messages have the names of the service's own.
package log
