// The package of the ancestor's client: what it is for.

// Package proglog is what the service's ancestor, proglog of "Distributed
// Services with Go", gives its clients: Go generated from its description.
//
// It must not be in one program with package logv1, of which it is the older
// form: both describe log.v1.
package proglog

//go:generate go -C ../../../tools run ./genproto -root .. interop/log/proglog/log.proto
