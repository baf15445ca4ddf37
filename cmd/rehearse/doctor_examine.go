// The examination: the address given, the brokers it tells of, every address of theirs.

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A doctorReport is what an examination found.
type doctorReport struct {
	Address    string          `json:"address"`
	Version    string          `json:"version,omitempty"`
	Cluster    string          `json:"cluster,omitempty"`
	Controller int32           `json:"controller"`
	Topics     int             `json:"topics"`
	Brokers    []doctorBroker  `json:"brokers"`
	Problems   []doctorProblem `json:"problems"`
}

// A doctorBroker is a broker as the cluster tells of it, and what came of
// dialling it.
type doctorBroker struct {
	ID      int32    `json:"id"`
	Address string   `json:"address"`
	Rack    string   `json:"rack,omitempty"`
	IPs     []string `json:"ips,omitempty"`
	Version string   `json:"version,omitempty"`
	Took    float64  `json:"took_ms"`
	OK      bool     `json:"ok"`
}

// A doctorProblem is what is wrong at an address, what that means, and how it
// is mended.
type doctorProblem struct {
	Address string `json:"address"`
	Stage   stage  `json:"stage"`
	What    string `json:"what"`
	Why     string `json:"why"`
	Mend    string `json:"mend"`
}

// An examination is one run of the doctor.
type examination struct {
	config doctorConfig
	way    access
	report doctorReport
}

func (x *examination) examine(ctx context.Context) {
	x.report.Controller = -1
	x.report.Brokers, x.report.Problems = []doctorBroker{}, []doctorProblem{}
	metadata := x.first(ctx)
	if metadata == nil {
		return
	}
	x.report.Controller = metadata.ControllerID
	x.report.Topics = len(metadata.Topics)
	if metadata.ClusterID != nil {
		x.report.Cluster = *metadata.ClusterID
	}
	for _, b := range metadata.Brokers {
		x.broker(ctx, b)
	}
	x.topics(metadata)
	if len(metadata.Brokers) == 0 {
		x.add(doctorProblem{x.config.address, stageAsk, "the cluster tells of no broker",
			"It is starting, or the broker has lost its controller.", "Look at the brokers' logs."})
	}
}

// first visits the address given and asks for the brokers; nil if it came to
// nothing.
func (x *examination) first(ctx context.Context) *kmsg.MetadataResponse {
	ctx, cancel := context.WithTimeout(ctx, x.config.timeout)
	defer cancel()
	v := x.way.call(ctx, x.config.address)
	defer v.close()
	x.report.Version = v.version
	if v.failed != stageDone {
		x.add(x.explain(ctx, v, false))
		return nil
	}
	metadata, err := v.client.metadata(true)
	if err != nil {
		v.err = err
		x.add(x.explain(ctx, v.at(stageAsk), false))
		return nil
	}
	return metadata
}

// broker visits an address that a broker advertises.
func (x *examination) broker(ctx context.Context, m kmsg.MetadataResponseBroker) {
	ctx, cancel := context.WithTimeout(ctx, x.config.timeout)
	defer cancel()
	address := net.JoinHostPort(m.Host, strconv.Itoa(int(m.Port)))
	v := x.way.call(ctx, address)
	defer v.close()
	b := doctorBroker{ID: m.NodeID, Address: address, IPs: v.ips, Version: v.version, OK: v.failed == stageDone}
	b.Took = float64(v.took.Round(10*time.Microsecond).Microseconds()) / 1000
	if m.Rack != nil {
		b.Rack = *m.Rack
	}
	x.report.Brokers = append(x.report.Brokers, b)
	if !b.OK {
		x.add(x.explain(ctx, v, true))
	} else if p, wrong := x.advertisedElsewhere(address); wrong {
		x.add(p)
	}
}

// advertisedElsewhere finds a broker that was reached from afar and sends
// clients to loopback, where by chance something answers too.
func (x *examination) advertisedElsewhere(address string) (doctorProblem, bool) {
	given, _, _ := net.SplitHostPort(x.config.address)
	host, _, _ := net.SplitHostPort(address)
	if isLoopback(given) || !isLoopback(host) {
		return doctorProblem{}, false
	}
	return doctorProblem{address, stageDial, "a broker of " + x.config.address + " advertises a loopback address",
		"Clients on other machines, or in other containers, dial themselves; what answers here may be another cluster.",
		mendAdvertised(given)}, true
}

// topics looks for partitions that nobody leads.
func (x *examination) topics(m *kmsg.MetadataResponse) {
	var lost []string
	for _, t := range m.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode == kerr.LeaderNotAvailable.Code || p.Leader < 0 {
				lost = append(lost, fmt.Sprintf("%s-%d", nameOf(t), p.Partition))
			}
		}
	}
	if lost == nil {
		return
	}
	shown := lost[:min(len(lost), 5)]
	x.add(doctorProblem{x.config.address, stageAsk,
		fmt.Sprintf("%d partitions have no leader: %s%s",
			len(lost), strings.Join(shown, ", "), more(len(lost)-len(shown))),
		"Nobody can write or read them: the brokers that hold them are down or out of sync.",
		"Start the missing brokers; if their data is lost, allow an unclean election."})
}

func nameOf(t kmsg.MetadataResponseTopic) string {
	if t.Topic == nil {
		return "?"
	}
	return *t.Topic
}

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

func (x *examination) add(p doctorProblem) { x.report.Problems = append(x.report.Problems, p) }

// otherwise is the way in with TLS if this one has none, and without if it has.
func (a access) otherwise() access {
	if a.tls != nil {
		return access{}
	}
	return access{tls: &tls.Config{InsecureSkipVerify: true}} // only whether it is TLS is asked
}

// String returns the report for people.
func (r doctorReport) String() string {
	var b strings.Builder
	if len(r.Brokers) > 0 {
		fmt.Fprintf(&b, "%s: Kafka, %s\n", r.Address, r.Version)
		fmt.Fprintf(&b, "cluster %s, %d brokers, controller %d, %d topics\n\n",
			dashed(r.Cluster), len(r.Brokers), r.Controller, r.Topics)
	}
	for _, broker := range r.Brokers {
		state := fmt.Sprintf("answers in %.2f ms", broker.Took)
		if !broker.OK {
			state = "FAILS, see below"
		}
		fmt.Fprintf(&b, "broker %-4d %-28s %s\n", broker.ID, broker.Address, state)
	}
	if len(r.Brokers) == 0 {
		fmt.Fprintf(&b, "%s: no cluster could be asked\n", r.Address)
	}
	for i, p := range r.Problems {
		fmt.Fprintf(&b, "\n%d. %s: %s\n   %s\n   Mend: %s\n", i+1, p.Address, p.What, p.Why, p.Mend)
	}
	if len(r.Problems) == 0 {
		b.WriteString("\nEvery advertised address answers from here.\n")
	}
	return b.String()
}

func dashed(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
