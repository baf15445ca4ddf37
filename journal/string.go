// An event as one line for people: in a failure's tail, a diff, a terminal.

package journal

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How much of a payload String shows, in bytes.
const (
	textShown   = 48
	binaryShown = 16
)

// String returns the event as one line for people, its columns wide enough
// that lines beneath each other align. It shortens the payload and is not
// meant to be read back; [Write] is.
func (e Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%5d %10v  %-12s %-15s %-18s", e.Seq, e.At, plain(string(e.Kind)), e.hosts(), plain(e.Subject))
	if e.Size != 0 || e.Body != nil {
		fmt.Fprintf(&b, " %6d B", e.Size)
	}
	if e.Body != nil {
		b.WriteString("  " + excerpt(e.Body))
	}
	for _, n := range e.Notes {
		b.WriteString("  " + plain(n.Key) + "=" + plain(n.Value))
	}
	if e.Cause != 0 {
		fmt.Fprintf(&b, "  (from %d)", e.Cause)
	}
	return strings.TrimRight(b.String(), " ")
}

func (e Event) hosts() string {
	if e.Peer == "" {
		return plain(e.Where)
	}
	return plain(e.Where) + " ↔ " + plain(e.Peer)
}

// plain returns s, quoted if it could disturb a line or a terminal.
func plain(s string) string {
	if printable(s, "") {
		return s
	}
	return strconv.Quote(s)
}

// excerpt returns the beginning of a payload, as text if it is text.
func excerpt(body []byte) string {
	head, more := cut(string(body[:min(len(body), textShown+1)]), textShown), ""
	if printable(head, "\r\n\t") {
		if len(head) < len(body) {
			more = "…"
		}
		return strconv.Quote(head) + more
	}
	if len(body) > binaryShown {
		body, more = body[:binaryShown], "…"
	}
	return hex.EncodeToString(body) + more
}

// cut shortens s to at most n bytes without halving a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// printable reports whether s is UTF-8 text of printable runes, spaces, and
// the runes in also.
func printable(s, also string) bool {
	for i, r := range s {
		if r >= ' ' && r <= '~' {
			continue
		}
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return false
		}
		if !unicode.IsPrint(r) && !strings.ContainsRune(also, r) {
			return false
		}
	}
	return true
}
