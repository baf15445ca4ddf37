// A small driver: a cluster on a clock of its own, asked by requests.

package state_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// begin is when the clusters of these tests begin.
var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A driver asks a cluster as a client would.
type driver struct {
	*state.Cluster
	t      *testing.T
	broker int32 // whom it asks
	allow  func(op kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool
}

// newDriver starts a cluster of brokers 1 to n, in racks r1 to rn.
func newDriver(t *testing.T, n int, settings map[string]string) *driver {
	t.Helper()
	return newPersona(t, "", n, settings)
}

func newPersona(t *testing.T, version string, n int, settings map[string]string) *driver {
	t.Helper()
	config := state.Config{Seed: 1, Now: begin, Settings: settings, Version: version}
	config.Endpoint = func(_ *call.Call, broker int32) (string, int32, bool) {
		return "broker", 9090 + broker, broker >= 0
	}
	for id := range int32(n) {
		config.Brokers = append(config.Brokers, state.Member{ID: id + 1, Rack: "r" + string('1'+id)})
	}
	c, err := state.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return &driver{Cluster: c, t: t, broker: 1}
}

// only lets the caller do one operation, to anything.
func (d *driver) only(ops ...kmsg.ACLOperation) {
	d.allow = func(op kmsg.ACLOperation, _ kmsg.ACLResourceType, _ string) bool { return slices.Contains(ops, op) }
}

// call makes the call of one request.
func (d *driver) call() *call.Call {
	return &call.Call{
		Now: d.Agenda.Now(), Broker: d.broker, Listener: "PLAINTEXT", Conn: "c1", ClientID: "app",
		Software: "apache-kafka-java 4.1.0", Principal: "User:alice", Host: "10.0.0.1",
		Agenda: d.Agenda, Allow: d.allow,
	}
}

// ask has the cluster answer a request, in the highest version it serves
// unless the request names another. What is sent goes through the wire's form
// and back, and so does the answer.
func ask[R kmsg.Response](d *driver, req kmsg.Request) R {
	d.t.Helper()
	if _, highest, ok := d.Versions(req.Key()); !ok || req.GetVersion() > highest {
		d.t.Fatalf("%T version %d is not served", req, req.GetVersion())
	}
	sent := kmsg.RequestForKey(req.Key())
	sent.SetVersion(req.GetVersion())
	if err := sent.ReadFrom(req.AppendTo(nil)); err != nil {
		d.t.Fatal(err)
	}
	resp := d.Handle(d.call(), sent)
	if resp == nil {
		d.t.Fatalf("%T was not answered", req)
	}
	if resp.GetVersion() != req.GetVersion() {
		d.t.Fatalf("%T version %d was answered in version %d", req, req.GetVersion(), resp.GetVersion())
	}
	got := kmsg.ResponseForKey(req.Key())
	got.SetVersion(req.GetVersion())
	if err := got.ReadFrom(resp.AppendTo(nil)); err != nil {
		d.t.Fatal(err)
	}
	return got.(R)
}

// tick moves the clock on.
func (d *driver) tick(by time.Duration) { d.Agenda.Tick(d.Agenda.Now().Add(by)) }

// create makes a topic, or fails the test.
func (d *driver) create(name string, partitions, replication int) *state.Topic {
	d.t.Helper()
	t, err := d.CreateTopic(state.TopicSpec{Name: name, Partitions: partitions, Replication: replication})
	if err != nil {
		d.t.Fatal(err)
	}
	return t
}

// wantCode fails the test unless the code is that of the error; nil is none.
func wantCode(t *testing.T, what string, got int16, want *kerr.Error) {
	t.Helper()
	var code int16
	if want != nil {
		code = want.Code
	}
	if got != code {
		t.Errorf("%s: the code is %v, want %v", what, kerr.ErrorForCode(got), kerr.ErrorForCode(code))
	}
}
