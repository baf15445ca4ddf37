// Scratch.

package match_test

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

func cpu() int64 {
	var r syscall.Rusage
	syscall.Getrusage(1, &r) // thread
	return r.Utime.Nano() + r.Stime.Nano()
}

func TestCPU(t *testing.T) {
	runtime.LockOSThread()
	for _, diff := range []int{100_000, 1} {
		tp := many(100_000, diff)
		best := int64(1 << 60)
		for range 7 {
			runtime.GC()
			a := cpu()
			match.New(tp, match.Options{})
			best = min(best, cpu()-a)
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		ix := match.New(tp, match.Options{})
		runtime.GC()
		runtime.ReadMemStats(&after)
		fmt.Println("new", diff, best/1e6, "ms", (int64(after.HeapAlloc)-int64(before.HeapAlloc))/100_000, "B/call")
		runtime.KeepAlive(ix)
	}
	pairs := []tape.Pair{{Key: "tenant", Value: "acme"}, {Key: "user-agent", Value: "grpc-go/1.71.0"}}
	for _, n := range []int{100, 10_000, 100_000} {
		for k, order := range []string{"in order", "random", "identical"} {
			diff := n
			if k == 2 {
				diff = 1
			}
			step := 1
			if k == 1 {
				step = 7919
			}
			tp := many(n, diff)
			ix := match.New(tp, match.Options{})
			reqs := make([][]byte, n)
			for i := range reqs {
				reqs[i] = request(i * step % n % diff)
			}
			best := int64(1 << 60)
			for range 5 {
				runtime.GC()
				a := cpu()
				for range 100_000 / n {
					d := ix.Deck()
					for i := range n {
						x := d.Open("/pay.v1.Pay/Get", pairs)
						if !x.Send(reqs[i]) || !x.CloseSend() {
							t.Fatal("miss")
						}
						for turn := x.Next(false); turn.State == match.Ready; turn = x.Next(false) {
							x.Take()
						}
						x.End()
					}
				}
				best = min(best, cpu()-a)
			}
			bu := int64(1 << 60)
			for range 5 {
				runtime.GC()
				a := cpu()
				for range 100_000 / n {
					for i := range n {
						tp.Call(i * step % n)
					}
				}
				bu = min(bu, cpu()-a)
			}
			fmt.Println(n, order, best/100_000, "ns, unpack", bu/100_000)
		}
	}
}
