// The data of a page: columns of numbers and a table of names.

package traceview

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/rehearse-go/rehearse/journal"
)

// maxBody is how much of a payload a page holds, in bytes.
const maxBody = 64 << 10

// format is the version of the data, for pages taken out of step.
const format = 1

// A table is what a page knows: for each event one entry in every column. It
// travels as JSON, deflated without a wrapper, in base64.
//
// Seq, Step and At (nanoseconds) are differences from the entry before, as
// they are small and alike; Cause is how many numbers back the cause lies, 0
// for none. Kind, Where, Peer and Subject are indices into Names, whose first
// is "". Bodies and Notes list only the events that have some, each row
// beginning with the event's index: [index, body, size if cut] and
// [index, [key, value], ...]. A body is text of one character (0 to 255) a
// byte.
type table struct {
	Format      int         `json:"format"`
	Seed        string      `json:"seed"`
	Config      string      `json:"config"`
	HeaderNotes [][2]string `json:"headerNotes"`
	Names       []string    `json:"names"`
	Seq         []int       `json:"seq"`
	Step        []int       `json:"step"`
	At          []int64     `json:"at"`
	Kind        []int       `json:"kind"`
	Where       []int       `json:"where"`
	Peer        []int       `json:"peer"`
	Subject     []int       `json:"subject"`
	Cause       []int       `json:"cause"`
	Size        []int       `json:"size"`
	Bodies      [][]any     `json:"bodies"`
	Notes       [][]any     `json:"notes"`

	known map[string]int
	last  journal.Event
}

func collect(h journal.Header, events iter.Seq[journal.Event]) *table {
	t := &table{
		Format: format, Seed: strconv.FormatUint(h.Seed, 10), Config: h.Config,
		HeaderNotes: [][2]string{}, Bodies: [][]any{}, Notes: [][]any{},
		Seq: []int{}, Step: []int{}, At: []int64{}, Kind: []int{}, Where: []int{}, Peer: []int{},
		Subject: []int{}, Cause: []int{}, Size: []int{},
		known: map[string]int{},
	}
	t.name("")
	for _, n := range h.Notes {
		t.HeaderNotes = append(t.HeaderNotes, [2]string{n.Key, n.Value})
	}
	for e := range events {
		t.add(&e)
	}
	return t
}

func (t *table) add(e *journal.Event) {
	i := len(t.Seq)
	t.Seq = append(t.Seq, e.Seq-t.last.Seq)
	t.Step = append(t.Step, e.Step-t.last.Step)
	t.At = append(t.At, int64(e.At-t.last.At))
	t.Kind = append(t.Kind, t.name(string(e.Kind)))
	t.Where = append(t.Where, t.name(e.Where))
	t.Peer = append(t.Peer, t.name(e.Peer))
	t.Subject = append(t.Subject, t.name(e.Subject))
	t.Size = append(t.Size, e.Size)
	back := 0
	if e.Cause != 0 {
		back = e.Seq - e.Cause
	}
	t.Cause = append(t.Cause, back)
	if e.Body != nil {
		t.Bodies = append(t.Bodies, bodyRow(i, e.Body))
	}
	if len(e.Notes) > 0 {
		row := []any{i}
		for _, n := range e.Notes {
			row = append(row, [2]string{n.Key, n.Value})
		}
		t.Notes = append(t.Notes, row)
	}
	t.last = *e
}

func (t *table) name(s string) int {
	i, ok := t.known[s]
	if !ok {
		i = len(t.Names)
		t.known[s] = i
		t.Names = append(t.Names, s)
	}
	return i
}

func bodyRow(i int, body []byte) []any {
	if len(body) <= maxBody {
		return []any{i, byteText(body)}
	}
	return []any{i, byteText(body[:maxBody]), len(body)}
}

// byteText returns a character for each byte.
func byteText(b []byte) string {
	var s strings.Builder
	s.Grow(len(b))
	for _, c := range b {
		s.WriteRune(rune(c))
	}
	return s.String()
}

// pack returns the table as it stands in the page.
func pack(t *table) (string, error) {
	var packed bytes.Buffer
	text := base64.NewEncoder(base64.StdEncoding, &packed)
	deflated, err := flate.NewWriter(text, flate.DefaultCompression)
	if err != nil {
		return "", err
	}
	if err := json.NewEncoder(deflated).Encode(t); err != nil {
		return "", fmt.Errorf("traceview: %w", err)
	}
	if err := deflated.Close(); err != nil {
		return "", err
	}
	if err := text.Close(); err != nil {
		return "", err
	}
	return packed.String(), nil
}
