// What it takes to index a tape and to find a call.

package match_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// many is a tape of n unary calls, of so many different messages.
func many(n, different int) *tape.Tape {
	t := &tape.Tape{}
	for i := range n {
		at := 4 * i
		t.Add(&tape.Call{
			Number: i + 1, Method: "/pay.v1.Pay/Get", Shape: tape.Unary, Order: at + 1,
			Pairs: []tape.Pair{{Key: "tenant", Value: "acme"}, {Key: "user-agent", Value: "grpc-go/1.70.0"}},
			Events: []tape.Event{
				{Kind: tape.Send, At: 1e6, Order: at + 1, Message: request(i % different)},
				{Kind: tape.CloseSend, At: 1e6, Order: at + 2},
				{Kind: tape.Recv, At: 2e6, Order: at + 3, Message: []byte("an answer")},
				{Kind: tape.End, At: 2e6, Order: at + 4},
			},
		})
	}
	return t
}

func request(i int) []byte { return fmt.Appendf(nil, "the request number %d", i) }

func BenchmarkNew(b *testing.B) {
	for _, different := range []int{100_000, 1} {
		b.Run(fmt.Sprintf("different=%d", different), func(b *testing.B) {
			t := many(100_000, different)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			ix := match.New(t, match.Options{})
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/100_000, "B/call")
			runtime.KeepAlive(ix)
			for b.Loop() {
				match.New(t, match.Options{})
			}
		})
	}
}

// BenchmarkUnary plays a unary call from its beginning to its end.
func BenchmarkUnary(b *testing.B) {
	for _, n := range []int{100, 10_000, 100_000} {
		for _, order := range []string{"in order", "at random", "identical"} {
			b.Run(fmt.Sprintf("%d %s", n, order), func(b *testing.B) { benchUnary(b, n, order) })
		}
	}
}

func benchUnary(b *testing.B, n int, order string) {
	different := n
	if order == "identical" {
		different = 1
	}
	ix := match.New(many(n, different), match.Options{})
	step := 1
	if order == "at random" {
		step = 7919
	}
	requests := make([][]byte, n)
	for i := range requests {
		requests[i] = request(i * step % n % different)
	}
	pairs := []tape.Pair{{Key: "tenant", Value: "acme"}, {Key: "user-agent", Value: "grpc-go/1.71.0"}}
	b.ReportAllocs()
	deck := ix.Deck()
	for i := 0; b.Loop(); i++ {
		if i%n == 0 {
			deck = ix.Deck()
		}
		t := deck.Open("/pay.v1.Pay/Get", pairs)
		if !t.Send(requests[i%n]) || !t.CloseSend() {
			b.Fatal("nothing fits")
		}
		for turn := t.Next(false); turn.State == match.Ready; turn = t.Next(false) {
			t.Take()
		}
		t.End()
	}
}

// BenchmarkUnpack is the part of BenchmarkUnary that is not matching.
func BenchmarkUnpack(b *testing.B) {
	t := many(100_000, 100_000)
	for i := 0; b.Loop(); i++ {
		t.Call(i * 7919 % 100_000)
	}
}
