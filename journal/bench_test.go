// Benchmarks of what every room pays for being recorded.

package journal_test

import (
	"bytes"
	"io"
	"strconv"
	"testing"

	"github.com/rehearse-go/rehearse/journal"
)

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{0, 64, 4096} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			b.ReportAllocs()
			var j journal.Journal
			e := journal.Event{Kind: "net.send", Where: "app", Peer: "api", Subject: "app>api:80#0", Size: size}
			if size > 0 {
				e.Body = make([]byte, size)
			}
			for b.Loop() {
				j.Append(e)
			}
		})
	}
}

func BenchmarkAppendByAllCores(b *testing.B) {
	var j journal.Journal
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			j.Append(journal.Event{Kind: "net.send", Where: "app", Peer: "api", Subject: "app>api:80#0"})
		}
	})
}

func BenchmarkAppendStreamed(b *testing.B) {
	var j journal.Journal
	j.Stream(io.Discard)
	e := journal.Event{Kind: "net.send", Where: "app", Peer: "api", Subject: "app>api:80#0", Body: make([]byte, 64)}
	for b.Loop() {
		j.Append(e)
	}
}

func BenchmarkEventsFromTheEnd(b *testing.B) {
	var j journal.Journal
	for range 100_000 {
		j.Append(journal.Event{})
	}
	for b.Loop() {
		for range j.Events(99_990) {
		}
	}
}

func BenchmarkRead(b *testing.B) {
	var j journal.Journal
	e := journal.Event{Kind: "net.send", Where: "app", Peer: "api", Subject: "app>api:80#0", Body: make([]byte, 64)}
	for range 10_000 {
		j.Append(e)
	}
	var text bytes.Buffer
	if err := journal.Write(&text, j.Header(), j.Events(0)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if _, _, err := journal.Read(bytes.NewReader(text.Bytes())); err != nil {
			b.Fatal(err)
		}
	}
}
