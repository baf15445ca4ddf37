// What replaying costs: finding the answer, loading the file, keeping it.

package grpc_test

import (
	"fmt"
	"hash/fnv"
	"runtime"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/interop/grpc_testing"
)

// sizes are numbers of recorded calls.
var sizes = []int{100, 10_000, 100_000}

// orders are ways in which the recorded calls are made again: the ith of n.
var orders = []struct {
	name string
	body func(i int) []byte // of the ith recorded call
	pick func(i, n int) int
}{
	{"in order", distinct, func(i, _ int) int { return i }},
	{"at random", distinct, func(i, n int) int { return int(mixed(i) % uint64(n)) }},
	{"identical", func(int) []byte { return []byte("the same") }, func(i, _ int) int { return i }},
}

func distinct(i int) []byte { return fmt.Appendf(nil, "call %d", i) }

// mixed is a number that looks like chance and is the same in each run.
func mixed(i int) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, i)
	return h.Sum64()
}

// shuffled returns the order in which n calls are made: each once.
func shuffled(n int, pick func(i, n int) int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := n - 1; i > 0; i-- {
		if j := pick(i, i+1); j != i {
			order[i], order[j] = order[j], order[i]
		}
	}
	return order
}

// BenchmarkGRPCReplay makes recorded calls again, at most a thousand of each
// replay, which is loaded anew when they are used up; loading is not counted.
func BenchmarkGRPCReplay(b *testing.B) {
	for _, n := range sizes {
		for _, o := range orders {
			for _, r := range replayers {
				b.Run(fmt.Sprintf("%d_%s/%s", n, o.name, r.name), func(b *testing.B) {
					kind := fmt.Sprintf("%d-distinct", n)
					if o.name == "identical" {
						kind = fmt.Sprintf("%d-identical", n)
					}
					file := tape(b, r.record, kind, n, o.body)
					order := shuffled(n, o.pick)
					b.ResetTimer()
					for done := 0; done < b.N; {
						some := order[:min(n, 1000, b.N-done)]
						b.StopTimer()
						cc := connect(b, "localhost:1", r.open(b, file)...)
						b.StartTimer()
						replay(b, cc, some, o.body)
						b.StopTimer()
						cc.Close() // and let go of the recording
						done += len(some)
					}
				})
			}
		}
	}
}

// replay makes recorded calls again.
func replay(b *testing.B, cc *grpc.ClientConn, calls []int, body func(i int) []byte) {
	c := grpc_testing.NewTestServiceClient(cc)
	for _, i := range calls {
		if _, err := c.UnaryCall(b.Context(), request(body(i))); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGRPCLoad loads 100,000 recorded calls, ready to be replayed.
func BenchmarkGRPCLoad(b *testing.B) {
	for _, r := range replayers {
		b.Run("100000 calls/"+r.name, func(b *testing.B) {
			file := tape(b, r.record, "100000-distinct", 100_000, distinct)
			var kept any
			b.ResetTimer()
			for range b.N {
				var err error
				if kept, err = r.load(file); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			runtime.KeepAlive(kept)
		})
	}
}

// BenchmarkGRPCHeap measures the heap that a loaded recording takes.
func BenchmarkGRPCHeap(b *testing.B) {
	for _, r := range replayers {
		b.Run("100000 calls/"+r.name, func(b *testing.B) {
			file := tape(b, r.record, "100000-distinct", 100_000, distinct)
			for b.Loop() {
				before := heap()
				kept, err := r.load(file)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(heap()-before)/100_000, "B/call")
				runtime.KeepAlive(kept)
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
