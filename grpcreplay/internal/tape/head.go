// What stands at the head of a recording.

package tape

// Version is the version of recordings that are written; older ones are read.
const Version = 1

// A Head is what a recording says of itself.
type Head struct {
	Version  int      // 0 stands for Version
	Initial  []byte   // the program's own bytes, given back on replay
	Source   string   // what it was imported from, such as "rpcreplay"; "" if it was recorded by us
	Lenient  bool     // it was imported from a form without half-closes, headers and order: match by what there is
	Metadata []string // keys of metadata that must agree, sorted
	Ignore   []string // paths of fields that do not take part in matching, sorted
	Redact   []string // the rules of redaction, a line each, as package redact reads and writes them
	Comments []string // lines at the top of the text form, without the "#"
}
