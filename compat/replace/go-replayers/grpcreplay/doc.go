// What the package is for, and how it comes into a program.

// Package grpcreplay puts rehearse in the place of the module whose path it
// bears, for a program and all its dependencies, by one line in the program's
// go.mod: replace github.com/google/go-replayers/grpcreplay by
// github.com/rehearse-go/rehearse/compat/replace/go-replayers/grpcreplay.
//
// It has what github.com/rehearse-go/rehearse/compat/grpcreplay has; the
// original's proto packages it has not.
package grpcreplay
