// What the package is for.

// Package grpcreplay records the calls that a program makes to a gRPC service,
// and answers them again, so truly that the program cannot tell and so fast
// that a test need not wait.
//
//	func TestCheckout(t *testing.T) {
//		pay := grpcreplay.Start(t, grpcreplay.Config{Target: "pay.example:443", TLS: &tls.Config{}})
//		client := paypb.NewPayClient(pay.Conn())
//		if err := checkout(t.Context(), client); err != nil {
//			t.Fatal(err)
//		}
//		pay.Called("/pay.v1.Pay/Charge").Times(t, 1)
//	}
//
// The first run records testdata/TestCheckout.journal; every run after it
// replays that file and opens no connection at all. Where CI is set, nothing is
// ever recorded.
//
// # Ways in
//
// A program reaches a [Service] by [Service.DialOptions], interceptors that
// join those it has; by [Service.Conn], a connection in memory with all that
// belongs to gRPC; or at [Service.Addr], a socket for programs in any language.
// What one way recorded the others replay. [Recorder] and [Replayer] are the
// primitives beneath.
//
// # What is recorded
//
// The bytes of the wire, not Go values: any service, any codec, without
// generated code. Metadata both ways, messages, half-closes, cancellations,
// deadlines, statuses with their details. The descriptors of what occurs lie
// in the file, so it is read, edited and replayed without the program.
// [Open] reads other recorders' files too.
//
// The file is text, one conversation for each call, with times apart at its end,
// so that recording again shows in a review what has changed:
//
//	call 3  pay.v1.Pay/Watch  server-stream  deadline=5s
//	  → {"account": "42"}
//	  ← header x-region=eu
//	  ← {"state": "pending"}
//	  ← {"state": "paid"}  after call 4 →1
//	  ← OK  trailer x-cost=2
//
// While recording, a side file takes everything at once, and opens like a
// recording if the process is killed. Credentials, fields marked debug_redact,
// fields named like secrets and text that looks like a token are replaced by
// pseudonyms before anything is written: equal ones stay equal, and a replay
// finds the call by the real secret.
//
// # What is matched
//
// A call is answered by a recorded call of its method whose client sent the
// same, message by message and half-close included; each recorded call once;
// identical ones in recorded order. Order of fields and of map entries does not
// count, nor do [Match].Ignore's fields. Metadata ranks equal calls, and
// excludes where [Match].Metadata says so. Streams that begin alike are told
// apart by how they go on. What nothing fits is a status FailedPrecondition
// with the nearest calls and their differences: a [MismatchError].
//
// # What waits for what
//
// On its own stream a server's message never comes before the client's message
// that it followed. Between calls it waits for what other calls' clients had done
// by then: "after call 4 →1" above says that the message was recorded after
// the first message of call 4. Subscribers hear nothing before it is published.
// These clauses are presumed from the order of events and may be deleted by
// hand. A cause that does not come holds its effect up for [Config].Grace, which
// in a testing/synctest bubble passes exactly when the program rests.
//
// # What is not promised
//
// Interceptors see no per-call credentials, which gRPC adds beneath them, and
// cannot record a grpc.PreparedMsg. Stats handlers run on Conn and Addr only.
// Compression is undone and not replayed. A program whose messages differ from
// run to run needs [Match].Ignore.
package grpcreplay
