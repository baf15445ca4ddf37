// Tests of streaming while a journal grows.

package journal_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rehearse-go/rehearse/journal"
)

// A writes is a writer that remembers each Write by itself.
type writes struct {
	calls []string
	fail  error // returned once failAt calls have been made, if not nil
	after int
}

func (w *writes) Write(p []byte) (int, error) {
	if w.fail != nil && len(w.calls) >= w.after {
		return 0, w.fail
	}
	w.calls = append(w.calls, string(p))
	return len(p), nil
}

func TestAStreamWritesEachEventByOneCall(t *testing.T) {
	var j journal.Journal
	var w writes
	j.SetHeader(journal.Header{Seed: 5})
	j.Append(journal.Event{Kind: "early"})
	j.Stream(&w)
	j.Append(journal.Event{Kind: "late", Body: []byte("two\nlines")})
	if len(w.calls) != 3 || w.calls[0] != "rehearse journal 1\nseed 5\n\n" {
		t.Fatalf("calls %q", w.calls)
	}
	for _, c := range w.calls[1:] {
		if strings.Count(c, "\n") != 1 || !strings.HasSuffix(c, "\n") {
			t.Errorf("not one line: %q", c)
		}
	}
	h, events, err := journal.Read(strings.NewReader(strings.Join(w.calls, "")))
	if err != nil || h.Seed != 5 {
		t.Fatal(h, err)
	}
	if d := journal.Diff(j.Events(0), slices.Values(events)); d != "" {
		t.Error(d)
	}
}

func TestAStreamHoldsWhatTheJournalLetsGo(t *testing.T) {
	j := journal.Journal{Limit: 1000}
	var b bytes.Buffer
	j.Stream(&b)
	for range 50 {
		j.Append(journal.Event{Body: make([]byte, 1500)})
	}
	_, events, err := journal.Read(&b)
	if err != nil || len(events) != 50 {
		t.Fatal(len(events), err)
	}
	for _, e := range events {
		if len(e.Body) != 1500 {
			t.Fatalf("event %d has %d bytes", e.Seq, len(e.Body))
		}
	}
}

func TestAStreamIsInOrderWhoeverAppends(t *testing.T) {
	var j journal.Journal
	var b bytes.Buffer
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				j.Append(journal.Event{Kind: "k"})
			}
		})
	}
	wg.Go(func() { j.Stream(&b) })
	wg.Wait()
	j.Stream(nil)
	_, events, err := journal.Read(&b)
	if err != nil || len(events) != 1600 {
		t.Fatal(len(events), err)
	}
	for i, e := range events {
		if e.Seq != i+1 {
			t.Fatalf("line %d holds event %d", i+1, e.Seq)
		}
	}
}

func TestTheFirstErrorEndsTheStreamAndStays(t *testing.T) {
	broken := errors.New("disk full")
	for _, after := range []int{0, 1, 3} {
		var j journal.Journal
		w := writes{fail: broken, after: after}
		j.Append(journal.Event{})
		j.Stream(&w)
		for range 5 {
			j.Append(journal.Event{})
		}
		if err := j.Err(); !errors.Is(err, broken) {
			t.Errorf("after %d writes: Err() = %v", after, err)
		}
		if len(w.calls) != after || j.Len() != 6 {
			t.Errorf("after %d writes: %d written, %d kept", after, len(w.calls), j.Len())
		}
	}
}

type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) - 1, nil }

func TestAShortWriteEndsTheStream(t *testing.T) {
	var j journal.Journal
	j.Stream(shortWriter{})
	if err := j.Err(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("Err() = %v", err)
	}
}

func TestAnEndedStreamIsLeftAlone(t *testing.T) {
	var j journal.Journal
	var w writes
	j.Stream(&w)
	j.Stream(nil)
	j.Append(journal.Event{})
	if len(w.calls) != 1 || j.Err() != nil {
		t.Errorf("%d writes, error %v", len(w.calls), j.Err())
	}
}

func TestAHeaderThatCannotBeWrittenIsAnError(t *testing.T) {
	for _, h := range []journal.Header{{Version: 7}, {Config: strings.Repeat("x", 2<<20)}} {
		var j journal.Journal
		var w writes
		j.SetHeader(h)
		j.Stream(&w)
		if j.Err() == nil || len(w.calls) != 0 {
			t.Errorf("error %v, %d writes", j.Err(), len(w.calls))
		}
		if err := journal.Write(io.Discard, h, j.Events(0)); err == nil {
			t.Error("Write took it")
		}
	}
}
