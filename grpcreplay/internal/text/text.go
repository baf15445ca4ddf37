// The words of the text form, and how to know it.

package text

import "bytes"

// Magic begins the first line of a text form; the version follows it.
const Magic = "rehearse grpc recording"

// columns is where a line is full: longer JSON, base64 and lists are broken.
const columns = 100

// base64Mark begins a value that is written in base64.
const base64Mark = "base64:"

// bom is what some editors put before a text.
const bom = "\ufeff"

// The arrows: what the client does, and what the server does.
const (
	client = "→"
	server = "←"
)

// The words that begin a line of the head, or a block.
const (
	wordInitial     = "initial"
	wordSource      = "source"
	wordLenient     = "lenient"
	wordMatch       = "match"
	wordRedact      = "redact"
	wordCall        = "call"
	wordTimes       = "times"
	wordDescriptors = "descriptors"
)

// The words in events.
const (
	wordClose    = "close"
	wordNoClose  = "no close"
	wordCancel   = "cancel"
	wordHeader   = "header"
	wordTrailer  = "trailer"
	wordInFlight = "in flight"
	wordCode     = "code"
	wordPlain    = "plain"
	wordRefused  = "refused"
	wordDetail   = "detail"
	wordAfter    = "after"
	wordBytes    = "bytes"
	wordText     = "text"
	wordDigest   = "digest"
	wordExact    = "exact"
)

// Sniff tells whether b begins as the text form does, of whatever version.
func Sniff(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte(bom))
	return bytes.HasPrefix(b, []byte(Magic+" "))
}
