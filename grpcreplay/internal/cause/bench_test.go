// What it costs to presume.

package cause_test

import (
	"fmt"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/cause"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// inSequence makes n unary calls one after another, over some methods and
// messages; answer tells what the ith is answered.
func inSequence(n, messages int, answer func(i int) string) []*tape.Call {
	t := &teller{known: map[string]*tape.Call{}}
	for i := range n {
		t.order++
		c := &tape.Call{Method: []string{"/s.S/Get", "/s.S/Put", "/s.S/List"}[i%3], Shape: tape.Unary, Order: t.order}
		t.calls = append(t.calls, c)
		t.begin(c, []string{fmt.Sprint("message ", i%messages), "->", answer(i)})
	}
	return t.calls
}

// talking makes n streams whose clients and servers speak in turn, in rounds.
func talking(n, rounds int) []*tape.Call {
	t := &teller{known: map[string]*tape.Call{}}
	for range n {
		t.order++
		t.calls = append(t.calls, &tape.Call{Method: "/s.S/Talk", Shape: tape.Bidi, Order: t.order})
	}
	for round := range rounds {
		for _, kind := range []tape.Kind{tape.Send, tape.Recv} {
			for i, c := range t.calls {
				t.add(c, kind, fmt.Sprint(i, round))
			}
		}
	}
	return t.calls
}

// fanOut makes n unary calls at once.
func fanOut(n int) []*tape.Call {
	t := &teller{known: map[string]*tape.Call{}}
	for i := range n {
		t.order++
		c := &tape.Call{Method: "/s.S/Get", Shape: tape.Unary, Order: t.order}
		t.calls = append(t.calls, c)
		t.begin(c, []string{fmt.Sprint("message ", i), "", ""})
	}
	for _, c := range t.calls {
		t.add(c, tape.Recv, "answer")
		t.add(c, tape.End, "")
	}
	return t.calls
}

func BenchmarkPresume(b *testing.B) {
	same := func(int) string { return "same" }
	changing := func(i int) string { return fmt.Sprint("answer ", i) }
	for _, bench := range []struct {
		name  string
		calls []*tape.Call
	}{
		{"100000 calls in sequence", inSequence(100_000, 100_000, same)},
		{"100000 polls that change", inSequence(100_000, 999, changing)},
		{"50000 reads and again", inSequence(99_999, 49_998, changing)},
		{"1000 streams of 100 events", talking(1000, 50)},
		{"100000 calls at once", fanOut(100_000)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				cause.Presume(bench.calls)
			}
			clauses := 0
			for _, c := range bench.calls {
				for i := range c.Events {
					clauses += len(c.Events[i].After)
				}
			}
			b.ReportMetric(float64(clauses), "clauses")
		})
	}
}

func BenchmarkArrange(b *testing.B) {
	for _, bench := range []struct {
		name  string
		calls []*tape.Call
	}{
		{"100000 calls in sequence", inSequence(100_000, 100_000, func(int) string { return "ok" })},
		{"100000 calls at once", fanOut(100_000)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				cause.Arrange(bench.calls)
			}
		})
	}
}
