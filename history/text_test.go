// The text form: there and back, and any text.

package history_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/history"
)

func TestAHistoryIsReadBackAndJudgedAlike(t *testing.T) {
	for _, d := range damages {
		seed := uint64(0)
		s := generate(seed, 300)
		for ; !d.plant(s); s = generate(seed, 300) {
			seed++
		}
		log := s.replay()
		var text bytes.Buffer
		if err := log.Save(&text); err != nil {
			t.Fatal(err)
		}
		var back history.Log
		if err := back.Load(&text); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back.Ops(), log.Ops()) {
			t.Errorf("%s: read back with other operations", d.kind)
		}
		want, got := log.Check(history.LogConfig{}), back.Check(history.LogConfig{})
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s: read back, it is judged %v, before %v", d.kind, got, want)
		}
	}
}

func TestALoadedHistoryGoesOn(t *testing.T) {
	var h history.History[string, int]
	if err := h.Load(strings.NewReader("rehearse history 1\n\"a\"\t1\t9\tok\t\"ask\"\t1\n")); err != nil {
		t.Fatal(err)
	}
	h.Call("a", "ask").Return(2)
	if got := h.Ops()[1].String(); got != "#2 a: ask = 2 [10,11]" {
		t.Errorf("went on with %s", got)
	}
	if err := h.Load(strings.NewReader("rehearse history 1\n")); err == nil {
		t.Error("loaded into a history that has operations")
	}
}

func TestWhatJSONDoesNotCarryIsRefused(t *testing.T) {
	var h history.History[string, int]
	h.Call("a", "\xff").Unknown()
	if err := h.Save(new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), "operation 1: in:") {
		t.Errorf("got %v", err)
	}
	var f history.History[string, func()]
	f.Call("a", "").Return(func() {})
	if err := f.Save(new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), "operation 1: out:") {
		t.Errorf("got %v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestAWritersErrorIsReturned(t *testing.T) {
	if err := acknowledged("a").Save(brokenWriter{}); err == nil || err.Error() != "disk full" {
		t.Errorf("got %v", err)
	}
}

func TestBadTextIsRefusedWithItsLine(t *testing.T) {
	const first = "rehearse history 1\n"
	for text, want := range map[string]string{
		"":                                        "line 1: want",
		"rehearse history 2\n":                    "line 1: want",
		first + "\"a\"\t1":                        "line 2: unexpected EOF",
		first + "\"a\"\n":                         "line 2: want 6 fields, got 1",
		first + "a\t1\t2\tok\t\"\"\t1\n":          "line 2: client:",
		first + "\"a\"\t0\t2\tok\t\"\"\t1\n":      "line 2: called: want a position from 1",
		first + "\"a\"\t2\t2\tok\t\"\"\t1\n":      "line 2: returned at 2, called at 2",
		first + "\"a\"\t1\t-\tok\t\"\"\t1\n":      "line 2: returned: want a position",
		first + "\"a\"\t1\t2\tok\t7\t1\n":         "line 2: in:",
		first + "\"a\"\t1\t2\tok\t\"\"\t-\n":      "line 2: out:",
		first + "\"a\"\t1\t2\tmaybe\t\"\"\t1\n":   "line 2: want ok, failed or unknown",
		first + "\"a\"\t1\t2\tunknown\t\"\"\t-\n": "line 2: an unknown operation has neither",
		first + "\"a\"\t2\t3\tok\t\"\"\t1\n\"a\"\t1\t4\tok\t\"\"\t1\n": "line 3: called at 1, before the line above",
	} {
		var h history.History[string, int]
		if err := h.Load(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
		if h.Len() != 0 {
			t.Errorf("%q: kept %d operations of a bad text", text, h.Len())
		}
	}
	h := history.History[string, int]{Limit: 1}
	two := first + "\"a\"\t1\t2\tok\t\"\"\t1\n\"a\"\t3\t4\tok\t\"\"\t1\n"
	err := h.Load(strings.NewReader(two))
	if err == nil || !strings.Contains(err.Error(), "more operations than the limit") {
		t.Errorf("beyond the limit: got %v", err)
	}
}

func FuzzAnyTextIsLoadedAndJudged(f *testing.F) {
	for seed := range uint64(4) {
		s := generate(seed, 40)
		damages[seed].plant(s)
		var text bytes.Buffer
		if err := s.replay().Save(&text); err != nil {
			f.Fatal(err)
		}
		f.Add(text.Bytes())
	}
	f.Add([]byte("rehearse history 1\n\"\"\t1\t-\tunknown\t{\"kind\":\"read\",\"from\":-5}\t-\n"))
	f.Add([]byte("rehearse history 1\n\"\"\t1\t2\tok\t{\"kind\":\"read\",\"from\":-9223372036854775808}\t" +
		"{\"records\":[{\"offset\":-3,\"value\":\"a\"},{\"offset\":9223372036854775807,\"value\":\"a\"}]}\n" +
		"\"\"\t3\t4\tok\t{\"kind\":\"final\"}\t{\"records\":[]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var log, back history.Log
		if log.Load(bytes.NewReader(text)) != nil {
			return
		}
		report := log.Check(history.LogConfig{})
		var again bytes.Buffer
		if err := log.Save(&again); err != nil {
			t.Skip(err)
		}
		if err := back.Load(&again); err != nil {
			t.Fatalf("what was saved is not read back: %v\n%s", err, again.Bytes())
		}
		if got := back.Check(history.LogConfig{}); !reflect.DeepEqual(got, report) {
			t.Errorf("read back, it is judged %v, before %v", got, report)
		}
	})
}
