// The goals, and how far what was measured is from them.

package main

import (
	"fmt"
	"math"
	"strings"
)

// A goal is a bound for one number.
type goal struct {
	what  string
	of    func(m *measured) float64
	least float64 // 0: there is a most instead
	most  float64
	unit  string
}

var goals = []goal{
	least("stream throughput over loopback's", times("Stream"), 10, "times"),
	least("round trips over loopback's", times("RoundTrip"), 20, "times"),
	least("stream throughput in a bubble", value("Stream", "vnet/bubble"), 40_000, "MB/s"),
	least("round trips in a bubble", value("RoundTrip", "vnet/bubble"), 1_900_000, "trips/s"),
	most("an idle pair of 10,000", value("Idle", "10000/vnet"), 750, "B"),
	most("an idle pair of 100,000", value("Idle", "100000/vnet"), 750, "B"),
	least("events with latency, 50 pairs in a bubble", value("Latency", "vnet/bubble"), 1_200_000, "events/s"),
	least("datagram round trips in a bubble", value("Datagram", "vnet/bubble"), 800_000, "trips/s"),
	most("Run of an empty test", value("EmptyRun", "vnettest.Run"), 300_000, "ns"),
	most("a journalled step, without the rest itself", ours("vnet+journal/bubble"), 5_000, "ns"),
	most("the same, with the journal written to a file", ours("vnet+journal+file/bubble"), 5_000, "ns"),
}

func least(what string, of func(m *measured) float64, bound float64, unit string) goal {
	return goal{what: what, of: of, least: bound, unit: unit}
}

func most(what string, of func(m *measured) float64, bound float64, unit string) goal {
	return goal{what: what, of: of, most: bound, unit: unit}
}

func value(bench, name string) func(m *measured) float64 {
	return func(m *measured) float64 { return m.find(bench, name).median() }
}

func times(bench string) func(m *measured) float64 {
	return func(m *measured) float64 {
		return m.find(bench, "vnet").median() / m.find(bench, "loopback").median()
	}
}

func ours(name string) func(m *measured) float64 {
	return func(m *measured) float64 {
		return m.find("Step", name).median() - m.find("Step", "rest alone/bubble").median()
	}
}

// bound prints the goal.
func (g goal) bound() string {
	if g.least > 0 {
		return fmt.Sprintf("≥ %s %s", number(g.least), g.unit)
	}
	return fmt.Sprintf("≤ %s %s", number(g.most), g.unit)
}

// verdict tells whether v is as it should be.
func (g goal) verdict(v float64) string {
	switch {
	case math.IsNaN(v):
		return ""
	case g.least > 0 && v < g.least || g.least == 0 && v > g.most:
		return "missed"
	}
	return "met"
}

func (m *measured) printGoals(b *strings.Builder) {
	b.WriteString("\n|Goal|at|measured||\n|-|-:|-:|-|\n")
	for _, g := range goals {
		v := g.of(m)
		fmt.Fprintf(b, "|%s|%s|%s|%s|\n", g.what, g.bound(), number(v), g.verdict(v))
	}
}
