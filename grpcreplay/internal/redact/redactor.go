// The redactor: rules, compiled.

package redact

import (
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A Redactor replaces secrets by pseudonyms. Any number of goroutines may use
// it.
type Redactor struct {
	off     bool
	names   names
	salter  salter
	anchors *anchors // nil: no shapes are looked for
	seekers []seeker
	schema  *schema.Set
	plans   *sync.Map // plans by protoreflect.MessageDescriptor
}

// detectors finds the shapes of tokens.
var detectors = newAnchors(shapes())

// New compiles rules. The set may be nil; it resolves what an Any holds. It
// errs for a regular expression that does not compile or matches what is
// empty.
func New(r Rules, s *schema.Set, salt []byte) (*Redactor, error) {
	seekers, err := newSeekers(r)
	if err != nil {
		return nil, err
	}
	compiled := &Redactor{
		off: r.Off, names: newNames(r), salter: newSalter(salt), seekers: seekers, schema: s,
		plans: &sync.Map{},
	}
	if !r.NoTokens {
		compiled.anchors = detectors
	}
	return compiled, nil
}

// Pairs returns metadata without its secrets; the slice itself if it has none.
func (r *Redactor) Pairs(pairs []tape.Pair) []tape.Pair {
	if r.off {
		return pairs
	}
	w := walk{r: r}
	return w.pairs(pairs)
}

// Message returns a message without its secrets; the slice itself if it has
// none. The type is nil if it is not known.
func (r *Redactor) Message(md protoreflect.MessageDescriptor, wire []byte) []byte {
	p, hot := r.planOf(md), !r.off && r.mayHave(wire)
	if r.off || !hot && (p == nil || !p.needs) {
		return wire
	}
	w := walk{r: r, hot: hot}
	return w.top(p, wire)
}

// Status returns a status without the secrets in its text and its details.
func (r *Redactor) Status(s tape.Status) tape.Status {
	if r.off {
		return s
	}
	w := walk{r: r}
	return w.status(s)
}

// Text returns a text without the tokens in it.
func (r *Redactor) Text(s string) string {
	if r.off {
		return s
	}
	w := walk{r: r}
	return w.string(s)
}

// planOf returns the plan of a type, nil if the type is not known.
func (r *Redactor) planOf(md protoreflect.MessageDescriptor) *plan {
	if md == nil || md.IsPlaceholder() {
		return nil
	}
	return r.plan(md)
}

// top goes through a whole message; its plan is nil if its type is not known.
// Where it is no wire format it is read again, as unknown does.
func (w *walk) top(p *plan, wire []byte) []byte {
	for range mostReadings {
		w.torn = false
		out, changed := w.once(p, wire)
		if wire = out; !changed || !w.torn {
			break
		}
	}
	return wire
}

func (w *walk) once(p *plan, wire []byte) ([]byte, bool) {
	w.edit = edit{src: wire}
	switch {
	case p == nil:
		w.unknown(0, len(wire))
	case p.any:
		w.any(open, 0, len(wire))
	default:
		w.message(frame{plan: p}, 0, len(wire))
	}
	return w.result()
}

func (w *walk) pairs(pairs []tape.Pair) []tape.Pair {
	out := pairs
	for i, p := range pairs {
		v := w.pair(p)
		if v == p.Value {
			continue
		}
		if &out[0] == &pairs[0] {
			out = slices.Clone(pairs)
		}
		out[i].Value = v
	}
	return out
}

func (w *walk) pair(p tape.Pair) string {
	if w.tell != nil {
		w.path = append(w.path, p.Key)
		defer func() { w.path = w.path[:len(w.path)-1] }()
	}
	binary := strings.HasSuffix(p.Key, "-bin")
	switch v := w.r.names.header(p.Key); {
	case v == kept || v == listed:
		return p.Value
	case v == hidden && binary:
		return w.secret(p.Value, w.r.salter.fit)
	case v == hidden:
		scheme, credentials := cutScheme(p.Value)
		return scheme + w.secret(credentials, w.r.salter.text)
	case binary:
		return w.binary(p.Value)
	}
	return w.string(p.Value)
}

func (w *walk) secret(v string, pseudonym func([]byte) []byte) string {
	out := string(pseudonym([]byte(v)))
	if out != v {
		w.note("a secret by its name", []byte(v))
	}
	return out
}

func (w *walk) binary(v string) string {
	if !w.r.mayHave([]byte(v)) {
		return v
	}
	w.hot = true
	return string(w.top(nil, []byte(v)))
}

// schemes are those of credentials (the HTTP Authentication Scheme Registry),
// which stay: they tell how a program authenticates.
var schemes = set("basic", "bearer", "digest", "negotiate", "dpop", "token", "apikey", "aws4-hmac-sha256")

// cutScheme cuts the scheme and the spaces after it from credentials.
func cutScheme(v string) (scheme, credentials string) {
	word, rest, ok := strings.Cut(v, " ")
	rest = strings.TrimLeft(rest, " ")
	if !ok || rest == "" || !schemes[plain(word)] {
		return "", v
	}
	return v[:len(v)-len(rest)], rest
}

func (w *walk) string(s string) string {
	if len(w.r.seekers) == 0 && !w.r.anchored([]byte(s)) {
		return s
	}
	out, changed := w.tokens([]byte(s))
	if !changed {
		return s
	}
	return string(out)
}

func (w *walk) status(s tape.Status) tape.Status {
	s.Message = w.string(s.Message)
	details := s.Details
	for i, d := range s.Details {
		out := w.detail(d)
		if len(out) == 0 || &out[0] == &d.Value[0] {
			continue
		}
		if &details[0] == &s.Details[0] {
			details = slices.Clone(s.Details)
		}
		details[i].Value = out
	}
	s.Details = details
	return s
}

func (w *walk) detail(d tape.Any) []byte {
	w.hot = w.r.mayHave(d.Value)
	return w.top(w.r.typed(d.Type), d.Value)
}

// typed returns the plan of a type by its URL, or nil.
func (r *Redactor) typed(url string) *plan {
	if r.schema == nil {
		return nil
	}
	return r.planOf(r.schema.Message(url))
}

// anchored tells whether three bytes stand in b that begin a token.
func (r *Redactor) anchored(b []byte) bool {
	if r.anchors == nil {
		return false
	}
	_, shapes := r.anchors.next(b, 0)
	return shapes != nil
}

// mayHave tells whether there may be tokens in b.
func (r *Redactor) mayHave(b []byte) bool {
	return len(r.seekers) > 0 || r.anchors != nil && r.anchors.hinted(b)
}

func (r *Redactor) hints(b []byte) []int {
	if r.anchors == nil {
		return nil
	}
	return r.anchors.hints(b)
}

func (r *Redactor) spans(b []byte) []span {
	if r.anchors == nil {
		return nil
	}
	return r.anchors.spans(b)
}
