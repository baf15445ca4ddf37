// Fuzz tests: the text form both ways, and any text.

package journal_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

func FuzzWrittenEventsAreReadBack(f *testing.F) {
	f.Add(uint64(1), "config", 1, 2, int64(3), "net.send", "app", "api", "app>api:80#0", 4, 5, []byte("body"),
		"key", "value")
	f.Add(uint64(0), "a\n\n", -1, 0, int64(-1), "-", "\"", " ", "\xff\ufffd", 0, 0, []byte{}, "", "-")
	f.Add(uint64(9), "\n", 0, 0, int64(1e18), "\r", "\n", "=", "é", 0, 0, []byte("\xff\x00"), "a=b", "\"")
	f.Fuzz(func(t *testing.T, seed uint64, config string, seq, step int, at int64, kind, where, peer, subject string,
		cause, size int, body []byte, key, value string) {
		note := journal.Note{Key: key, Value: value}
		h := journal.Header{Version: 1, Seed: seed, Config: config, Notes: []journal.Note{note}}
		e := journal.Event{Seq: seq, Step: step, At: time.Duration(at), Kind: journal.Kind(kind), Where: where,
			Peer: peer, Subject: subject, Cause: cause, Size: size, Body: body, Notes: []journal.Note{note, note}}
		bare := e
		bare.Body, bare.Notes = nil, nil
		var b bytes.Buffer
		if err := journal.Write(&b, h, slices.Values([]journal.Event{e, bare})); err != nil {
			t.Skip(err)
		}
		gotH, got, err := journal.Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if d := journal.Diff(slices.Values([]journal.Event{e, bare}), slices.Values(got)); d != "" {
			t.Error(d)
		}
		if gotH.Seed != seed || gotH.Config != config || !slices.Equal(gotH.Notes, h.Notes) {
			t.Errorf("header %+v, want %+v", gotH, h)
		}
		if strings.Contains(e.String(), "\n") {
			t.Errorf("more than one line: %q", e.String())
		}
	})
}

func FuzzAnyTextIsReadOrRefused(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("rehearse journal 1\nseed 1\nconfig a b\nconfig \"\\n\"\nnote k=v\n\n" +
		"1 0 0s net.listen api - api:80 - 0 -\n" +
		"2 1 1.5s net.send app api app>api:80#0 1 3 \"a\\nb\" k=v \"a b\"=\"=\"\n" +
		"3 1 1.5s net.deliver api app app>api:80#0 2 3 base64:AAH/ k=\n"))
	f.Add([]byte("rehearse journal 2\n"))
	f.Add([]byte(start + "1 0 0s \"\\xff\" - - - - 0 \"\"\r\n2 0"))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, events, err := journal.Read(bytes.NewReader(text))
		var syntax *journal.SyntaxError
		lines := 1 + bytes.Count(text, []byte("\n"))
		if err != nil && (!errors.As(err, &syntax) || syntax.Line < 1 || syntax.Line > lines) {
			t.Fatalf("error %v", err)
		}
		if h.Version == 0 {
			return // not even a header
		}
		var b bytes.Buffer
		if err := journal.Write(&b, h, slices.Values(events)); err != nil {
			t.Fatal(err)
		}
		again := b.String()
		h2, events2, err := journal.Read(&b)
		if err != nil {
			t.Fatalf("%v in:\n%s", err, again)
		}
		if d := journal.Diff(slices.Values(events), slices.Values(events2)); d != "" {
			t.Error(d)
		}
		if h2.Seed != h.Seed || h2.Config != h.Config || !slices.Equal(h2.Notes, h.Notes) {
			t.Errorf("header %+v, then %+v", h, h2)
		}
	})
}
