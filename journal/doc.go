// What the package is for, and the text form of a journal.

// Package journal records what happens, in order, and reads it back.
//
// Every room of the house writes down into one [Journal]; everything that is
// shown (a failure's tail, a golden file, a trace page) is read from it. A
// Journal is safe from any goroutine, bounded in memory, and can stream to a
// file while it grows, so that a test that is killed still leaves its story.
//
// # The text form
//
// A journal file is lines of UTF-8 text. A header comes first, ended by an
// empty line; then every line is one event.
//
//	rehearse journal 1
//	seed 42
//	config {Latency:5ms Window:262144}
//	note go=go1.26.0
//
//	1 0 0s net.listen api - api:80 - 0 -
//	2 0 0s net.dial app api app>api:80#0 - 0 -
//	3 1 5ms net.send app api app>api:80#0 2 18 "GET / HTTP/1.1\r\n\r\n"
//	4 2 10ms net.deliver api app app>api:80#0 3 18 - late=true
//
// The fields of an event are separated by single spaces and always there:
//
//	Seq Step At Kind Where Peer Subject Cause Size Body [key=value ...]
//
// At is written as time.Duration prints it. An empty string and a Cause of 0
// are a dash. A string is quoted, as Go quotes it, only when it holds a space
// or something unprintable, begins with a quote, or is itself a dash.
//
// Body is a dash when there is none (never kept, or let go: Size tells how
// much there was), "" when it was kept and empty, a Go-quoted string when all
// of it is printable text, and otherwise base64: followed by standard base64.
//
// In the header, the seed is always there; config is repeated for each line
// of [Header].Config, and note for each of its Notes. A file whose last line
// has no end belongs to a writer that was stopped: see [Reader.Events].
package journal
