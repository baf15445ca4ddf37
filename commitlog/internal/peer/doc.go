// What the package is for.

// Package peer connects the nodes of a cluster.
//
// A [Mux] lets gRPC and peers share one listener. A [Transport] carries Raft's
// messages, and bulk streams, over connections it is given and connections it
// dials. Neither knows what it carries.
//
// Peers are trusted as far as TLS and Admit vouch for them. A hostile byte
// never costs more than an error and a bounded piece of memory; a hostile
// message of the right form is Raft's to judge.
package peer
