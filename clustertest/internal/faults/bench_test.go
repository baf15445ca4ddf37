// What drawing, checking and naming a list costs.

package faults_test

import (
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest/internal/faults"
)

func BenchmarkList(b *testing.B) {
	p := faults.Plan{Seed: 1, Nodes: []string{"n0", "n1", "n2", "n3", "n4"}, Within: time.Minute, Majority: true}
	list := faults.Draw(p)
	b.Logf("%d faults", len(list))
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"draw", func() { faults.Draw(p) }},
		{"conflicts", func() { _ = faults.Conflicts(list, p.Nodes) }},
		{"majority", func() { _ = faults.Majority(list, p.Nodes) }},
		{"name", func() { _, _ = faults.FromName(faults.ToName(list)) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.f()
			}
		})
	}
}
