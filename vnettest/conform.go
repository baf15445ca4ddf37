// What the conformance suites stand on: the transport under test and one trial of it.

package vnettest

import (
	"context"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"
)

// A Transport is what [TestConn], [TestDial], [TestListener] and [TestPacketConn] try: the three
// functions a program makes connections with, as they stand in net.Dialer and net.ListenConfig, and
// where on that transport a test may listen. Real loopback TCP and UDP on Linux pass all suites and
// are the measure; whatever stands in for them passes the same bodies with the same outcomes.
//
//	var d net.Dialer
//	var l net.ListenConfig
//	loopback := vnettest.Transport{
//		Listen: l.Listen, Dial: d.DialContext, ListenPacket: l.ListenPacket,
//		Address: "127.0.0.1:0",
//	}
type Transport struct {
	Listen       func(ctx context.Context, network, address string) (net.Listener, error)
	Dial         func(ctx context.Context, network, address string) (net.Conn, error)
	ListenPacket func(ctx context.Context, network, address string) (net.PacketConn, error)

	// Address is where the suites listen: a host and port 0, such as "127.0.0.1:0" or "api:0".
	// It is dialled from the same Transport, by the address that the listener then has.
	Address string

	// Unknown is an address whose host has no name on this transport, such as "nowhere:80". It
	// must be found out without asking the world. If empty, the subtests that need it are skipped.
	Unknown string

	// Silent is an address that neither answers nor refuses a dial. If empty, the subtests that
	// need it are skipped.
	Silent string

	// Rest waits until every other goroutine of the subtest waits for something, as
	// synctest.Wait does. If nil, the suites yield the processor a few times: they hold either
	// way, but then an operation meant to be interrupted may not have begun yet.
	Rest func()

	// Run runs one subtest: it calls body once, with the transport to try. It is the place to
	// build a fresh network for each subtest, or to enter a testing/synctest bubble; what it
	// passes on may leave all but the functions and addresses empty. If nil, body is called with
	// this Transport itself.
	Run func(t *testing.T, body func(*testing.T, Transport))
}

// Times the suites use. Nothing waits for late unless the test is about to fail.
const (
	soon = 2 * time.Millisecond
	late = 20 * time.Second
)

// longAgo is a deadline that has passed, in a bubble's clock too.
var longAgo = time.Unix(1, 0)

// A row is one subtest: its name, a sentence, and its body.
type row struct {
	name string
	body func(*trial)
}

// each runs every row as a subtest, each through Run.
func (tr Transport) each(t *testing.T, swapped bool, rows []row) {
	run := tr.Run
	if run == nil {
		run = func(t *testing.T, body func(*testing.T, Transport)) { body(t, tr) }
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			run(t, func(t *testing.T, tr Transport) {
				tl := &trial{T: t, net: tr, swapped: swapped}
				t.Cleanup(tl.running.Wait) // after the cleanups that close what is open
				r.body(tl)
			})
		})
	}
}

// A trial is one subtest at work: the test and the transport it tries.
type trial struct {
	*testing.T
	net     Transport
	swapped bool           // pair returns the accepted end first
	running sync.WaitGroup // goroutines of async
}

// rest lets the other goroutines come to rest, or at least go on for a while.
func (t *trial) rest() {
	if t.net.Rest != nil {
		t.net.Rest()
		return
	}
	for range 20 {
		runtime.Gosched()
	}
}

// again comes before an operation is tried once more because what it waits for is on its way, and
// gives that way some time. It fails the trial when there were too many tries.
func (t *trial) again(tries int) {
	t.Helper()
	switch {
	case tries > 10_000:
		t.Fatalf("tried %d times, with the same outcome", tries)
	case tries < 100:
		t.rest()
	default:
		<-time.After(soon)
	}
}

// thrice tries what can fail on a real machine because another program takes a port just then.
func (t *trial) thrice(f func() error) {
	t.Helper()
	err := f()
	for range 2 {
		if err != nil {
			err = f()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// listen listens on Address and closes the listener at the end.
func (t *trial) listen() net.Listener {
	t.Helper()
	l, err := t.net.Listen(t.Context(), "tcp", t.net.Address)
	if err != nil {
		t.Fatalf("Listen(%q): %v", t.net.Address, err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// dial dials a listener's address. The connection gets a late deadline, so that a hang is a report.
func (t *trial) dial(to net.Addr) *end {
	t.Helper()
	c, err := t.net.Dial(t.Context(), to.Network(), to.String())
	if err != nil {
		t.Fatalf("Dial(%q): %v", to, err)
	}
	return t.end("dialled", c)
}

// accept accepts one connection, with a late deadline as dial's.
func (t *trial) accept(l net.Listener) *end {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatalf("Accept on %v: %v", l.Addr(), err)
	}
	return t.end("accepted", c)
}

// end wraps a connection, gives it the late deadline and closes it when the trial is over.
func (t *trial) end(name string, c net.Conn) *end {
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(late))
	return &end{Conn: c, t: t, name: name}
}

// pair returns the two ends of a new connection.
func (t *trial) pair() (here, there *end) {
	t.Helper()
	l := t.listen()
	here = t.dial(l.Addr())
	there = t.accept(l)
	if t.swapped {
		return there, here
	}
	return here, there
}

// An outcome is what a Read or a Write returned.
type outcome struct {
	n   int
	err error
}

// async runs f on a goroutine of its own, over before the trial is, and returns its result's channel.
func async[V any](t *trial, f func() V) <-chan V {
	result := make(chan V, 1)
	t.running.Go(func() { result <- f() })
	return result
}

// await takes a result that must come, and fails the trial if it does not.
func await[V any](t *trial, what string, result <-chan V) V {
	t.Helper()
	timer := time.NewTimer(late + late/2)
	defer timer.Stop()
	select {
	case v := <-result:
		return v
	case <-timer.C:
		t.Fatalf("%s: has not returned", what)
		panic("unreachable")
	}
}
