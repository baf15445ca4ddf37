// What a tape is.

// Package tape holds a recording of gRPC calls as plain values.
//
// A [Tape] is a list of calls, each a list of events in the order in which
// the recorder saw them: what the client did (Send, CloseSend, Cancel) is
// noted before it is handed on, what the server did (Header, Recv, End) after
// it has come. So causes precede effects. Messages are the bytes of the wire;
// nothing here knows what they mean.
//
// A tape keeps its calls packed, a fraction of what they take as Go values,
// and unpacks one when it is asked for. It is immutable once built, and any
// number of goroutines may read it.
package tape
