// What checking a log costs, in proportion to its length.

package history_test

import (
	"fmt"
	"testing"

	"github.com/rehearse-go/rehearse/history"
)

// long is a right log of n operations: eight produces to two reads of up to
// sixteen records, by clients that overlap, and three final logs.
func long(n int) *history.Log {
	var log history.Log
	var records []history.Record
	open := make([]*history.LogCall, 0, 8)
	for i := 0; log.Len() < n; i++ {
		for c := range 8 {
			value := fmt.Sprintf("value-%d-%d", i, c)
			open = append(open, log.Produce(fmt.Sprint("w", c), value))
			records = append(records, history.Record{Offset: int64(len(records)), Value: value})
		}
		for c, op := range open {
			op.Return(history.At(int64(len(records) - len(open) + c)))
		}
		open = open[:0]
		from := max(0, len(records)-16)
		log.LinearizableRead("r0", int64(from)).Return(history.Records(records[from:]...))
		log.Read("r1", int64(from)).Return(history.Some(records[from : from+8]...))
	}
	for _, node := range []string{"n0", "n1", "n2"} {
		log.Final(node, records...)
	}
	return &log
}

func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{1e4, 1e5, 1e6} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			log := long(n)
			b.ReportAllocs()
			for b.Loop() {
				if err := log.Check(history.LogConfig{}).Err(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/operation")
		})
	}
}

func BenchmarkCall(b *testing.B) {
	var h history.History[int, int]
	b.ReportAllocs()
	for b.Loop() {
		h.Call("a", 1).Return(1)
	}
}
