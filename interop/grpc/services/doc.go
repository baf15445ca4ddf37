// The package of real services: what it is for.

// Package services holds, in the packages beneath it, real services and
// their own clients, none of which knows of grpcreplay. Each client's program
// is recorded, the service is stopped, and the program runs again: from the
// recording it has to see what it saw, and to leave nothing over.
//
// It is a module of its own, so that what services require moves nobody's
// requirements: the suites beside it build with older releases of gRPC too.
package services
