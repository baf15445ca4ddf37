// The module of foreign programs: what it is for.

// Package interop holds tests that run other people's programs, unmodified,
// on the virtual network: what a program needs to run there, and that it then
// behaves as over TCP and UDP, in virtual time, the same in every run.
//
// It is a module of its own, so that none of these programs moves the
// requirements of whoever uses Rehearse.
package interop
