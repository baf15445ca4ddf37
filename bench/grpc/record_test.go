// What recording costs.

package grpc_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// BenchmarkGRPCRecord makes unary calls one after another.
func BenchmarkGRPCRecord(b *testing.B) {
	for _, size := range []int{0, 1 << 10, 64 << 10} {
		for _, r := range recorders {
			b.Run(fmt.Sprintf("%d_B/%s", size, r.name), func(b *testing.B) {
				opts, done := r.open(b, filepath.Join(b.TempDir(), "tape"))
				c := client(b, serve(b), opts...)
				req := request(bytes.Repeat([]byte("z"), size))
				for b.Loop() {
					if _, err := c.UnaryCall(b.Context(), req); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				if err := done(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// BenchmarkGRPCParallel makes unary calls of 1 KiB from 32 goroutines.
func BenchmarkGRPCParallel(b *testing.B) {
	for _, r := range recorders {
		b.Run("1_KiB/"+r.name, func(b *testing.B) {
			opts, done := r.open(b, filepath.Join(b.TempDir(), "tape"))
			c := client(b, serve(b), opts...)
			b.ResetTimer()
			var all sync.WaitGroup
			for g := range 32 {
				n := b.N / 32
				if g < b.N%32 {
					n++
				}
				all.Go(func() {
					req := request(bytes.Repeat([]byte{byte(g)}, 1<<10))
					for range n {
						if _, err := c.UnaryCall(b.Context(), req); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			if err := done(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
