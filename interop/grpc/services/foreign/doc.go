// The package of clients of other languages: what it is for.

// Package foreign holds the tests with clients that are programs of their
// own: grpcurl, Node.js and Python. They come by rehearse record and rehearse
// replay.
package foreign
