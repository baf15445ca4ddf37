// The goals, and how far what was measured is from them.

package main

import (
	"fmt"
	"path"
	"strings"
)

// A goal is a bound for one number.
type goal struct {
	what  string
	of    func(m *measured) []float64 // of each round
	least float64                     // 0: there is a most instead
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
	least("kafkatest over kfake, in the row where it leads least", worst("kfake", "kafkatest", ""), 1, "times"),
	least("a round trip over MockBroker's, in the row where it leads least", onOne("kafkatest"), 1.5, "times"),
	least("the same of a scripted broker", onOne("kafkatest scripted"), 1.5, "times"),
	least("trips on four connections over those on one, likewise", grows("kafkatest"), 1, "times"),
	least("librdkafka's producing over that to its own mock", worst("librdkafka's mock", "kafkatest", ""), 1, "times"),
	most("a test's life on TCP", value("KafkaLife", "TCP/kafkatest"), 3_000_000, "ns"),
	most("the same in memory", value("KafkaLife", "memory/kafkatest"), 1_500_000, "ns"),
	most("recording an empty call over a plain one", over("GRPCRecord", "0 B", "plain"), 1.1, "times"),
	most("recording one of 64 KiB each way over a plain one", over("GRPCRecord", "65536 B", "plain"), 1.3, "times"),
	least("calls of 32 goroutines, recorded, over plain ones", over("GRPCParallel", "1 KiB", "plain"), 0.9, "times"),
	most("a replayed call, in the row where it is slowest", slowest("GRPCReplay"), 2_000, "ns"),
	most("loading 100,000 calls over rpcreplay's", over("GRPCLoad", "100000 calls", "rpcreplay"), 0.5, "times"),
	most("the heap they take over rpcreplay's", over("GRPCHeap", "100000 calls", "rpcreplay"), 0.5, "times"),
	most("three nodes of raft, from their start to their end", value("Cluster", "raft/bubble"), 15_000_000, "ns"),
	most("three agents, likewise", value("Cluster", "agents/bubble"), 50_000_000, "ns"),
	most("an idle broker", value("KafkaIdle", "a broker/kafkatest"), 16, "KiB"),
}

func least(what string, of func(m *measured) []float64, bound float64, unit string) goal {
	return goal{what: what, of: of, least: bound, unit: unit}
}

func most(what string, of func(m *measured) []float64, bound float64, unit string) goal {
	return goal{what: what, of: of, most: bound, unit: unit}
}

func value(bench, name string) func(m *measured) []float64 {
	return func(m *measured) []float64 { return m.find(bench, name).rounds() }
}

// times and ours compare what was measured in the same round, so that a busy
// minute weighs on both sides.
func times(bench string) func(m *measured) []float64 {
	return func(m *measured) []float64 {
		over := func(a, b float64) float64 { return a / b }
		return pairwise(m.find(bench, "vnet"), m.find(bench, "loopback"), over)
	}
}

// over compares grpcreplay's row with a peer's, round by round.
func over(bench, row, peer string) func(m *measured) []float64 {
	return func(m *measured) []float64 {
		ratio := func(a, b float64) float64 { return a / b }
		return pairwise(m.find(bench, row+"/grpcreplay"), m.find(bench, row+"/"+peer), ratio)
	}
}

// slowest returns the rounds of grpcreplay's slowest row.
func slowest(bench string) func(m *measured) []float64 {
	return func(m *measured) (rounds []float64) {
		for _, r := range m.rows {
			if r.bench == bench && path.Base(r.name) == "grpcreplay" && (rounds == nil || r.median() > median(rounds)) {
				rounds = r.rounds()
			}
		}
		return rounds
	}
}

func ours(name string) func(m *measured) []float64 {
	return func(m *measured) []float64 {
		minus := func(a, b float64) float64 { return a - b }
		return pairwise(m.find("Step", name), m.find("Step", "rest alone/bubble"), minus)
	}
}

// worst compares two subjects in all of Kafka's rows that have both, as long as
// the name contains part, and returns the ratios of the row in which subject
// leads least.
func worst(peer, subject, part string) func(m *measured) []float64 {
	return func(m *measured) []float64 {
		return m.least(func(r *row) []float64 {
			if path.Base(r.name) != subject || !strings.Contains(r.name, part) {
				return nil
			}
			base := m.find(r.bench, path.Join(path.Dir(r.name), peer))
			if r.unit == "ns/op" || r.unit == "KiB/broker" {
				r, base = base, r // less is better
			}
			return pairwise(r, base, func(a, b float64) float64 { return a / b })
		})
	}
}

func onOne(subject string) func(m *measured) []float64 {
	return worst("MockBroker", subject, "1 connection")
}

// grows compares a subject's trips on four connections with those on one.
func grows(subject string) func(m *measured) []float64 {
	return func(m *measured) []float64 {
		return m.least(func(r *row) []float64 {
			question, ok := strings.CutSuffix(r.name, ", 1 connection/"+subject)
			if !ok {
				return nil
			}
			four := m.find(r.bench, question+", 4 connections/"+subject)
			return pairwise(four, r, func(a, b float64) float64 { return a / b })
		})
	}
}

// least returns what f finds for the row of Kafka's for which that is least.
func (m *measured) least(f func(r *row) []float64) (rounds []float64) {
	for _, r := range m.rows {
		if !strings.HasPrefix(r.bench, "Kafka") {
			continue
		}
		if found := f(r); len(found) > 0 && (rounds == nil || median(found) < median(rounds)) {
			rounds = found
		}
	}
	return rounds
}

func pairwise(a, b *row, f func(a, b float64) float64) (all []float64) {
	x, y := a.rounds(), b.rounds()
	for i := range min(len(x), len(y)) {
		all = append(all, f(x[i], y[i]))
	}
	return all
}

// bound prints the goal.
func (g goal) bound() string {
	if g.least > 0 {
		return fmt.Sprintf("≥ %s %s", number(g.least), g.unit)
	}
	return fmt.Sprintf("≤ %s %s", number(g.most), g.unit)
}

// verdict tells in how many rounds the bound was kept.
func (g goal) verdict(rounds []float64) string {
	kept := 0
	for _, v := range rounds {
		if g.least > 0 && v >= g.least || g.least == 0 && v <= g.most {
			kept++
		}
	}
	switch kept {
	case len(rounds):
		return "met"
	case 0:
		return "missed"
	}
	return fmt.Sprintf("met in %d of %d rounds", kept, len(rounds))
}

func (m *measured) printGoals(b *strings.Builder) {
	b.WriteString("\n|Goal|at|median||\n|-|-:|-:|-|\n")
	for _, g := range goals {
		measured, verdict := "not measured", ""
		if rounds := g.of(m); len(rounds) > 0 {
			measured, verdict = number(median(rounds)), g.verdict(rounds)
		}
		fmt.Fprintf(b, "|%s|%s|%s|%s|\n", g.what, g.bound(), measured, verdict)
	}
}
