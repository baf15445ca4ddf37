// Metrics: of calls, as gRPC tells of them, of records, and of the node's status.

package service

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/service/metrics"
)

// A meter is told by gRPC what it does. It counts by method; what is no method
// of the server's counts as "other", so that nobody can make families grow.
type meter struct {
	set     metrics.Set
	handled *metrics.Counter
	methods map[string]*methodMeter // by full name; read only once calls come
	other   *methodMeter

	seconds  *metrics.Histogram
	started  *metrics.Counter
	messages *metrics.Counter
	bytes    *metrics.Counter

	records, recordBytes [2]*metrics.Count // produced, consumed
}

// A methodMeter is what is counted of one method.
type methodMeter struct {
	name          string
	seconds       *metrics.Bins
	started       *metrics.Count
	in, out       *metrics.Count // messages
	inBytes, outB *metrics.Count
}

func newMeter(node Node) *meter {
	m := &meter{methods: map[string]*methodMeter{}}
	method := []string{"method"}
	way := []string{"method", "direction"}
	m.started = m.set.Counter(metrics.Family{
		Name: "commitlog_calls_started_total", Help: "Calls that were begun.", Labels: method})
	m.handled = m.set.Counter(metrics.Family{
		Name: "commitlog_calls_total", Help: "Calls that have ended.", Labels: []string{"method", "code"}})
	m.seconds = m.set.Histogram(metrics.Family{
		Name: "commitlog_call_seconds", Help: "How long calls took; of streams, their whole life.", Labels: method},
		.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10)
	m.messages = m.set.Counter(metrics.Family{
		Name: "commitlog_messages_total", Help: "Messages of calls.", Labels: way})
	m.bytes = m.set.Counter(metrics.Family{
		Name: "commitlog_message_bytes_total", Help: "Bytes of messages, as on the wire.", Labels: way})
	records := m.set.Counter(metrics.Family{
		Name: "commitlog_records_total", Help: "Records produced and consumed here.", Labels: []string{"direction"}})
	recordBytes := m.set.Counter(metrics.Family{
		Name: "commitlog_record_bytes_total", Help: "Bytes of their keys, values and headers.",
		Labels: []string{"direction"}})
	for i, direction := range []string{"produced", "consumed"} {
		m.records[i], m.recordBytes[i] = records.With(direction), recordBytes.With(direction)
	}
	m.other = m.method("other")
	m.gauges(node)
	return m
}

// gauges are read from the node when somebody asks.
func (m *meter) gauges(node Node) {
	for _, g := range []struct {
		name, help string
		value      func(commitlog.Status) uint64
	}{
		{"term", "The node's term.", func(s commitlog.Status) uint64 { return s.Term }},
		{"committed_index", "Index up to which a quorum has the log.",
			func(s commitlog.Status) uint64 { return s.Committed }},
		{"applied_index", "Index up to which it can be read here.",
			func(s commitlog.Status) uint64 { return s.Applied }},
		{"durable_index", "Index up to which it is on this node's disk.",
			func(s commitlog.Status) uint64 { return s.Durable }},
		{"low_offset", "Offset of the first record.", func(s commitlog.Status) uint64 { return s.Low }},
		{"next_offset", "Offset after the last record.", func(s commitlog.Status) uint64 { return s.Next }},
		{"leading", "1 if this node leads.",
			func(s commitlog.Status) uint64 { return one(s.Role == commitlog.Leading) }},
		{"has_leader", "1 if this node knows a leader.",
			func(s commitlog.Status) uint64 { return one(s.Leader.ID != "") }},
		{"failed", "1 if this node takes no writes: its disk has failed or is full.",
			func(s commitlog.Status) uint64 { return one(s.Failed != nil) }},
	} {
		m.set.Gauge(metrics.Family{Name: "commitlog_" + g.name, Help: g.help}, func(tell func(float64, ...string)) {
			tell(float64(g.value(node.Status())))
		})
	}
	members := metrics.Family{
		Name: "commitlog_members", Help: "Members of the configuration.", Labels: []string{"kind"}}
	m.set.Gauge(members,
		func(tell func(float64, ...string)) {
			kinds := map[bool]float64{}
			for _, member := range node.Status().Members {
				kinds[member.Learner]++
			}
			tell(kinds[true], "learner")
			tell(kinds[false], "voter")
		})
	m.set.Gauge(metrics.Family{Name: "commitlog_info", Help: "Who this is.", Labels: []string{"name", "cluster"}},
		func(tell func(float64, ...string)) {
			now := node.Status()
			tell(1, now.Name, now.Cluster)
		})
}

func one(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

// learn makes room for each method of a server, before any is called.
func (m *meter) learn(services map[string]grpc.ServiceInfo) {
	for name, info := range services {
		for _, method := range info.Methods {
			full := "/" + name + "/" + method.Name
			m.methods[full] = m.method(strings.TrimPrefix(full, "/"))
		}
	}
}

func (m *meter) method(name string) *methodMeter {
	return &methodMeter{
		name: name, seconds: m.seconds.With(name), started: m.started.With(name),
		in: m.messages.With(name, "in"), out: m.messages.With(name, "out"),
		inBytes: m.bytes.With(name, "in"), outB: m.bytes.With(name, "out"),
	}
}

type meterKey struct{}

// TagRPC is part of stats.Handler.
func (m *meter) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	method, ok := m.methods[info.FullMethodName]
	if !ok {
		method = m.other
	}
	return context.WithValue(ctx, meterKey{}, method)
}

// HandleRPC is part of stats.Handler.
func (m *meter) HandleRPC(ctx context.Context, s stats.RPCStats) {
	method, ok := ctx.Value(meterKey{}).(*methodMeter)
	if !ok {
		return
	}
	switch s := s.(type) {
	case *stats.Begin:
		method.started.Add(1)
	case *stats.InPayload:
		method.in.Add(1)
		method.inBytes.Add(uint64(s.WireLength))
	case *stats.OutPayload:
		method.out.Add(1)
		method.outB.Add(uint64(s.WireLength))
	case *stats.End:
		method.seconds.Observe(s.EndTime.Sub(s.BeginTime).Seconds())
		m.handled.With(method.name, codeName(grpcstatus.Code(s.Error))).Add(1)
	}
}

// TagConn is part of stats.Handler.
func (m *meter) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn is part of stats.Handler.
func (m *meter) HandleConn(context.Context, stats.ConnStats) {}

func (m *meter) produced(records []commitlog.Record) { m.count(0, records) }
func (m *meter) consumed(records []commitlog.Record) { m.count(1, records) }

func (m *meter) count(direction int, records []commitlog.Record) {
	n := 0
	for _, r := range records {
		n += bytesOf(r)
	}
	m.records[direction].Add(uint64(len(records)))
	m.recordBytes[direction].Add(uint64(n))
}
