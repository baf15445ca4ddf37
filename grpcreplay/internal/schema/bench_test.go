// What canonical forms and JSON cost.

package schema_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
)

func BenchmarkCanon(b *testing.B) {
	s := testSet(b)
	ignore, err := schema.ParsePaths([]string{"**.u"})
	if err != nil {
		b.Fatal(err)
	}
	write := func(text string) []byte {
		wire, err := s.Wire(all(s), []byte(text))
		if err != nil {
			b.Fatal(err)
		}
		return wire
	}
	small := write(`{"i": 42, "some_name": "account-17", "child": {"i": 1, "ok": true}}`)
	large := protowire.AppendBytes([]byte("\x1a"), bytes.Repeat([]byte("x"), 64<<10))
	for _, c := range []struct {
		name   string
		wire   []byte
		ignore schema.Paths
	}{
		{"small", small, nil},
		{"64 KiB", large, nil},
		{"out of order", append(bytes.Clone(small[2:]), small[:2]...), nil},
		{"map", write(`{"counts": {"a": 1, "b": 2, "c": 3, "d": 4}}`), nil},
		{"any", write(`{"any": {"@type": "a/test.v1.All", "i": 1}}`), nil},
		{"ignored", write(`{"i": 42, "u": 5, "child": {"u": 6}}`), ignore},
		{"nothing ignored", small, ignore},
	} {
		b.Run(c.name, func(b *testing.B) {
			canon := s.Canon(all(s), c.ignore)
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = canon.Append(dst[:0], c.wire)
			}
		})
	}
	b.Run("type unknown", func(b *testing.B) {
		canon := s.Canon(nil, nil)
		var dst []byte
		for b.Loop() {
			dst = canon.Append(dst[:0], small)
		}
	})
	b.Run("looking up", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Canon(all(s), ignore)
		}
	})
}

func BenchmarkJSON(b *testing.B) {
	s := testSet(b)
	wire, err := s.Wire(all(s), []byte(nested))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.JSON(all(s), wire); err != nil {
			b.Fatal(err)
		}
	}
}
