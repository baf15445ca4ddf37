// What the recordings of others are read for.

// Package foreign reads recordings of gRPC calls that other tools made, and
// writes the one form that others replay.
//
//	rpcreplay        cloud.google.com/go/rpcreplay and github.com/google/go-replayers/grpcreplay
//	rpcreplay text   the text form of the latter
//	binary log       gRPC's own, grpc.binarylog.v1 (gRFC A16)
//	grpc-tools       what grpc-dump of github.com/bradleyjkemp/grpc-tools prints: JSON, one value a call
//
// Nothing of theirs is linked: the bytes are taken apart as they come. What a
// form does not hold (both forms of rpcreplay lack headers, trailers,
// half-closes and times) is missing on the tape, whose head says where it is
// from and whether it is to be matched leniently.
//
// Bytes that are not of the form give a [tape.FormatError]. Memory grows with
// the bytes given, never with a number in them.
package foreign
