// Round trips: how many requests a second are answered.

package kafka_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A question is a request that is asked again and again.
type question struct {
	name    string
	request func(tb testing.TB, s server, address string) kmsg.Request
}

var questions = []question{
	{"Metadata v1", func(testing.TB, server, string) kmsg.Request { return metadataRequest() }},
	{"Heartbeat v3", heartbeats},
	{"Produce v7 of 1 KiB", func(testing.TB, server, string) kmsg.Request { return produceRequest(1024) }},
}

// heartbeats are those of a member, where the server knows who is one.
func heartbeats(tb testing.TB, s server, address string) kmsg.Request {
	if !s.stateful {
		return heartbeatRequest("member", 1)
	}
	return heartbeatRequest(join(tb, dial(tb, address)))
}

// A way is how many connections ask, and how many requests each sends before
// it reads the answers.
type way struct{ conns, depth int }

var ways = []way{{1, 1}, {4, 1}, {1, 16}}

func (w way) String() string {
	switch {
	case w.depth > 1:
		return fmt.Sprint("pipeline of ", w.depth)
	case w.conns > 1:
		return fmt.Sprint(w.conns, " connections")
	}
	return "1 connection"
}

// trips has at least n requests answered.
func (w way) trips(tb testing.TB, address string, request []byte, n int) {
	wires := make([]*wire, w.conns)
	for i := range wires {
		wires[i] = dial(tb, address)
	}
	if b, ok := tb.(*testing.B); ok {
		b.ResetTimer()
	}
	requests, failed := bytes.Repeat(request, w.depth), make(chan error, w.conns)
	var all sync.WaitGroup
	for _, x := range wires {
		all.Go(func() {
			for range (n + w.conns*w.depth - 1) / (w.conns * w.depth) {
				if err := x.trip(requests, w.depth); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(failed)
	check(tb, <-failed)
}

func BenchmarkKafkaTrips(b *testing.B) {
	for _, q := range questions {
		for _, w := range ways {
			for _, s := range servers {
				b.Run(fmt.Sprint(q.name, ", ", w, "/", s.name), func(b *testing.B) {
					address := s.start(b)
					w.trips(b, address, frame(q.request(b, s, address)), b.N)
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "trips/s")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}

func TestEveryServerAnswersEveryQuestionWithoutAnError(t *testing.T) {
	for _, q := range questions {
		for _, s := range servers {
			if s.name == "echo" {
				continue
			}
			t.Run(q.name+"/"+s.name, func(t *testing.T) {
				address := s.start(t)
				code, found := errorOf(ask(t, dial(t, address), q.request(t, s, address)))
				if !found || code != 0 {
					t.Errorf("the error is %d, found: %v; want 0", code, found)
				}
			})
		}
	}
}

// errorOf returns the one error code of an answer; false if it has none.
func errorOf(r kmsg.Response) (code int16, found bool) {
	switch r := r.(type) {
	case *kmsg.MetadataResponse:
		if len(r.Topics) == 1 && len(r.Topics[0].Partitions) == 1 && len(r.Brokers) == 1 {
			return r.Topics[0].ErrorCode | r.Topics[0].Partitions[0].ErrorCode, true
		}
	case *kmsg.HeartbeatResponse:
		return r.ErrorCode, true
	case *kmsg.ProduceResponse:
		if len(r.Topics) == 1 && len(r.Topics[0].Partitions) == 1 {
			return r.Topics[0].Partitions[0].ErrorCode, true
		}
	}
	return 0, false
}

func TestEveryServerAnswersEveryWay(t *testing.T) {
	for _, w := range ways {
		for _, s := range servers {
			t.Run(w.String()+"/"+s.name, func(t *testing.T) {
				w.trips(t, s.start(t), frame(metadataRequest()), 50)
			})
		}
	}
}
