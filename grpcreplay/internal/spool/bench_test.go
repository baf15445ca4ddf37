// What recording and loading take.

package spool_test

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/spool"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// unary returns the ith of many calls that are as most are, with messages of
// 20 and 40 bytes.
func unary(i int) *tape.Call {
	return &tape.Call{
		Number: i + 1, Method: "/pay.v1.Payments/Get", Shape: tape.Unary, Start: 1e9, Order: 5*i + 1,
		Pairs: []tape.Pair{{Key: "x-tenant", Value: "acme"}},
		Events: []tape.Event{
			{Kind: tape.Send, At: 1e9, Order: 5*i + 2, Message: []byte(strings.Repeat("q", 20))},
			{Kind: tape.CloseSend, At: 1e9, Order: 5*i + 3},
			{Kind: tape.Header, At: 1e9, Order: 5*i + 4, Pairs: []tape.Pair{{Key: "x-region", Value: "eu"}}},
			{Kind: tape.Recv, At: 1e9, Order: 5*i + 5, Message: []byte(strings.Repeat("a", 40))},
			{Kind: tape.End, At: 1e9, Order: 5*i + 6},
		},
	}
}

const many = 100_000

func BenchmarkAppendEvent(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"20B", 20}, {"64KiB", 64 << 10}} {
		b.Run(c.name, func(b *testing.B) {
			e := &tape.Event{Kind: tape.Send, At: 1e9, Order: 5, Message: make([]byte, c.size)}
			buf := make([]byte, 0, c.size+100)
			b.SetBytes(int64(c.size))
			b.ReportAllocs()
			for b.Loop() {
				buf = spool.AppendEvent(buf[:0], 7, e)
			}
		})
	}
}

func BenchmarkAppendStart(b *testing.B) {
	c, buf := unary(1), make([]byte, 0, 1000)
	b.ReportAllocs()
	for b.Loop() {
		buf = spool.AppendStart(buf[:0], 7, c)
	}
}

// BenchmarkRead reports besides time what a call of a loaded tape takes of
// the heap, the file itself included.
func BenchmarkRead(b *testing.B) {
	for _, compress := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "gzip"}[compress], func(b *testing.B) {
			var tp *tape.Tape
			file := bytes.Clone(written(b, manyCalls(), compress))
			size := len(file)
			for b.Loop() {
				var err error
				if tp, err = spool.Read(file, tape.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
			with := heap()
			if tp.Len() != many {
				b.Fatal("calls are missing")
			}
			tp, file = nil, nil
			b.ReportMetric(float64(size)/many, "file-B/call")
			b.ReportMetric(float64(with-heap())/many, "heap-B/call")
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func manyCalls() *tape.Tape {
	t := &tape.Tape{Head: head}
	for i := range many {
		t.Add(unary(i))
	}
	return t
}

func BenchmarkWrite(b *testing.B) {
	t := manyCalls()
	for _, compress := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "gzip"}[compress], func(b *testing.B) {
			for b.Loop() {
				if err := spool.Write(io.Discard, t, compress); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	file := spool.AppendHead(nil, head)
	for i := range many {
		c := unary(i)
		file = spool.AppendStart(file, uint64(i), c)
		for j := range c.Events {
			file = spool.AppendEvent(file, uint64(i), &c.Events[j])
		}
	}
	for b.Loop() {
		if _, _, calls, _, err := spool.Load(file, tape.Limits{}); err != nil || len(calls) != many {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(file))/many, "file-B/call")
}
