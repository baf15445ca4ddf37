// What secrets still stand in a recording.

package redact

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A Finding is a secret that stands somewhere.
type Finding struct {
	Where  string // "call 3, request 1: card.number", "line 12"
	What   string // "a GitHub token"
	Sample string // its length, and of a long token how it begins
}

// mostFindings bounds what a scan returns: one is reason enough.
const mostFindings = 1000

// Scan returns what the rules would still redact of a recording, also if they
// are off, in the recording's order and at most a thousand. Types are taken
// from s, or if that is nil from the set that New got.
func (r *Redactor) Scan(t *tape.Tape, s *schema.Set) []Finding {
	own := *r
	if s != nil {
		own.schema, own.plans = s, &sync.Map{}
	}
	f := finder{r: &own}
	f.in("the initial state", func(w *walk) { w.whole(nil, t.Head.Initial) })
	f.in("the comments at the top", func(w *walk) { w.strings(t.Head.Comments) })
	for i, c := range t.Calls() {
		if len(f.found) == mostFindings {
			break
		}
		f.call(fmt.Sprintf("call %d", cmp.Or(c.Number, i+1)), c)
	}
	return f.found
}

// A finder collects findings.
type finder struct {
	r     *Redactor
	found []Finding
}

// in goes through something, to find what is secret in it.
func (f *finder) in(where string, visit func(w *walk)) {
	visit(&walk{r: f.r, tell: func(path []string, what string, secret []byte) {
		if len(f.found) == mostFindings {
			return
		}
		at := where
		if len(path) > 0 {
			at += ": " + strings.Join(path, ".")
		}
		f.found = append(f.found, Finding{Where: at, What: what, Sample: sample(what, secret)})
	}})
}

func (f *finder) call(name string, c *tape.Call) {
	f.in(name+", comments", func(w *walk) { w.strings(c.Comments) })
	f.in(name+", request metadata", func(w *walk) { w.pairs(c.Pairs) })
	sent, received := 0, 0
	for i := range c.Events {
		switch e := &c.Events[i]; e.Kind {
		case tape.Send:
			sent++
			f.message(fmt.Sprintf("%s, request %d", name, sent), c, e)
		case tape.Recv:
			received++
			f.message(fmt.Sprintf("%s, answer %d", name, received), c, e)
		case tape.Header:
			f.in(name+", header", func(w *walk) { w.pairs(e.Pairs) })
		case tape.End:
			f.in(name+", trailer", func(w *walk) { w.pairs(e.Pairs) })
			f.in(name+", status", func(w *walk) { w.status(e.Status) })
		}
	}
}

func (f *finder) message(where string, c *tape.Call, e *tape.Event) {
	f.in(where, func(w *walk) { w.whole(f.r.typeOf(c, e.Kind), e.Message) })
}

// whole goes through a message, whether it seems to have a token or not.
func (w *walk) whole(md protoreflect.MessageDescriptor, wire []byte) {
	w.hot = true
	w.top(w.r.planOf(md), wire)
}

// typeOf returns the type of the messages of one side of a call, or nil.
func (r *Redactor) typeOf(c *tape.Call, k tape.Kind) protoreflect.MessageDescriptor {
	switch {
	case r.schema == nil || c.Codec != "" && c.Codec != "proto":
		return nil
	case k == tape.Send:
		return r.schema.Input(c.Method)
	}
	return r.schema.Output(c.Method)
}

func (w *walk) strings(all []string) {
	for _, s := range all {
		w.string(s)
	}
}

// ScanText returns what tokens stand in a file of any kind, in order and at
// most a thousand.
func (r *Redactor) ScanText(b []byte) (found []Finding) {
	spans := r.spans(b)
	for _, seek := range r.seekers {
		spans = append(spans, away(b, seek(b))...)
	}
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	line, counted := 1, 0
	binary := bytes.IndexByte(b, 0) >= 0
	for _, s := range spans[:min(len(spans), mostFindings)] {
		line += bytes.Count(b[counted:s.from], []byte{'\n'})
		counted = s.from
		where := fmt.Sprintf("line %d", line)
		if binary {
			where = fmt.Sprintf("byte %d", s.from)
		}
		found = append(found, Finding{Where: where, What: s.what, Sample: sample(s.what, b[s.from:s.to])})
	}
	return found
}

// telling has the kinds of tokens that begin with a prefix of their maker's.
var telling = func() map[string]bool {
	m := map[string]bool{}
	for _, s := range prefixed() {
		m[s.what] = true
	}
	return m
}()

// How much of a token a sample shows, and of how long a one at least.
const (
	shown      = 4
	leastShown = 20
)

// sample tells of a secret without telling it: of tokens how they begin,
// which is the same for all of a kind.
func sample(what string, secret []byte) string {
	size := fmt.Sprintf("%d bytes", len(secret))
	if !telling[what] || len(secret) < leastShown {
		return size
	}
	return fmt.Sprintf("%s… (%s)", secret[:shown], size)
}
