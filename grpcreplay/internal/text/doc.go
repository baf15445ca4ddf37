// What the text form is.

// Package text writes and reads the text form of a tape: the file that people
// review and edit.
//
//	rehearse grpc recording 1
//	# comments survive, here and above each call
//	initial "state of the program\n"
//	match metadata x-tenant
//
//	call 3  pay.v1.Pay/Watch  bidi  deadline=5s
//	  x-tenant: acme
//	  → {"account": "42"}
//	  ← header  x-region=eu
//	  ← {"state": "pending"}
//	  ← {"state": "paid"}  after call 4 →1
//	  → close
//	  ← OK  trailer  x-cost=2
//
//	times
//	  call 3  1.2ms  0s 310µs 310µs 4ms 4.1ms 4.2ms
//
//	descriptors
//	  H4sIAAAAAAAA/…
//
// There are no counts of anything, so whatever stands there may be changed.
// Arrows may be typed > and <, lines may end as on Windows, blank lines and
// blanks at a line's ends mean nothing.
//
// An event is a line that begins with an arrow: → is the client, ← the
// server. A message is JSON. If JSON cannot give its bytes back, they stand
// below it with a digest of the JSON, and hold as long as the digest fits: who
// edits the JSON need not care for them. A message of unknown type is bytes in
// base64, or text. What a client that sends one request must do next, its
// half-close, goes without saying. Every call ends with its status, or with
// "in flight".
//
// What is not stored: the order of events of different calls, other than in
// the clauses "after". Times stand in a block of their own: two recordings of
// a program that does the same again differ nowhere else.
package text
