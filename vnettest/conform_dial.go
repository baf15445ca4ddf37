// TestDial: dialling against TCP: refusals, contexts, and addresses that are none.

package vnettest

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestDial tries how a transport dials: who is refused, what a context stops, and how a bad address
// or network is told, to the letter. Without a Silent address, and without a Run that may state one,
// there are no rows about dials that nobody answers; other rows that need an address the transport
// does not state are skipped.
func TestDial(t *testing.T, tr Transport) {
	rows := slices.Concat(refusalRows, contextRows, badDialRows())
	if tr.Silent != "" || tr.Run != nil {
		rows = append(rows, silentRows...)
	}
	tr.each(t, false, rows)
}

// dialFails dials and must get no connection and this fault.
func (t *trial) dialFails(ctx context.Context, address string, f fault) {
	t.Helper()
	c, err := t.net.Dial(ctx, f.network, address)
	if c != nil {
		c.Close()
		t.Fatalf("Dial(%q, %q) made a connection from %v; want %v", f.network, address, c.LocalAddr(), f)
	}
	t.fails(err, f)
}

// nobody returns an address where nobody listens, and nobody else can come to: an open connection
// has it.
func (t *trial) nobody() net.Addr {
	t.Helper()
	here, _ := t.pair()
	return here.LocalAddr()
}

// dialFault is a fault of dialling an address.
func dialFault(to net.Addr, c cause) fault {
	return fault{op: "dial", network: "tcp", addr: to, call: "connect", cause: c}
}

var refusalRows = []row{
	{"where nobody listens a dial is refused", func(t *trial) {
		to := t.nobody()
		t.dialFails(t.Context(), to.String(), dialFault(to, refused))
	}},
	{"a closed listener's connections do not keep its port open", func(t *trial) {
		l := t.listen()
		c := t.dial(l.Addr())
		t.accept(l)
		l.Close()
		t.dialFails(t.Context(), l.Addr().String(), dialFault(l.Addr(), refused))
		c.writes("still open")
	}},
	{"port 0 is refused", func(t *trial) {
		to := *t.nobody().(*net.TCPAddr)
		to.Port = 0
		t.dialFails(t.Context(), to.String(), dialFault(&to, refused))
	}},
	{"the network's name, with a version, is in the error", func(t *trial) {
		to := t.nobody()
		f := dialFault(to, refused)
		f.network = t.family()
		t.dialFails(t.Context(), to.String(), f)
	}},
	{"tcp4 and tcp6 dial their own kind of address", func(t *trial) {
		l := t.listen()
		c, err := t.net.Dial(t.Context(), t.family(), l.Addr().String())
		if err != nil {
			t.Fatalf("Dial(%q, %q): %v", t.family(), l.Addr(), err)
		}
		t.end("dialled", c).writes("x")
		t.accept(l).reads("x")
	}},
	{"tcp4 and tcp6 do not dial the other's", func(t *trial) {
		to := t.nobody().(*net.TCPAddr)
		other := strings.NewReplacer("4", "6", "6", "4").Replace(t.family())
		var why *net.AddrError
		_, err := t.net.Dial(t.Context(), other, to.String())
		want := "dial " + other + ": address " + to.IP.String() + ": no suitable address found"
		if err == nil || err.Error() != want || !errors.As(err, &why) {
			t.Errorf("got  %v\nwant %v", err, want)
		}
	}},
}

// family is tcp4 or tcp6, as the transport's address is.
func (t *trial) family() string {
	t.Helper()
	if t.nobody().(*net.TCPAddr).IP.To4() != nil {
		return "tcp4"
	}
	return "tcp6"
}

var contextRows = []row{
	{"a cancelled context dials nobody", func(t *trial) {
		l := t.listen()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		t.dialFails(ctx, l.Addr().String(), dialFault(l.Addr(), canceled))
	}},
	{"a context past its deadline dials nobody", func(t *trial) {
		l := t.listen()
		ctx, cancel := context.WithDeadline(t.Context(), longAgo)
		defer cancel()
		t.dialFails(ctx, l.Addr().String(), dialFault(l.Addr(), overdue))
	}},
	{"the cause of a cancellation is not in the error", func(t *trial) {
		l := t.listen()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("had enough"))
		t.dialFails(ctx, l.Addr().String(), dialFault(l.Addr(), canceled))
	}},
	{"a connection outlives its dial's context", func(t *trial) {
		l := t.listen()
		ctx, cancel := context.WithTimeout(t.Context(), late)
		c, err := t.net.Dial(ctx, "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		here, there := t.end("dialled", c), t.accept(l)
		cancel()
		t.rest()
		here.writes("still there")
		there.reads("still there")
		there.writes("both ways")
		here.reads("both ways")
	}},
	{"a name that nobody has is not found", func(t *trial) {
		if t.net.Unknown == "" {
			t.Skip("the Transport states no Unknown address")
		}
		host, _, _ := net.SplitHostPort(t.net.Unknown)
		_, err := t.net.Dial(t.Context(), "tcp", t.net.Unknown)
		var dns *net.DNSError
		if !errors.As(err, &dns) || !dns.IsNotFound || dns.Name != host || dns.IsTimeout {
			t.Fatalf("%v holds no *net.DNSError that says %q is not found", err, host)
		}
		if want := "dial tcp: lookup " + host + ": no such host"; err.Error() != want {
			t.Errorf("got  %v\nwant %v", err, want)
		}
	}},
}

// silentRows are about dials that nobody answers.
var silentRows = []row{
	{"cancelling ends a dial that nobody answers", func(t *trial) {
		to := t.silent()
		ctx, cancel := context.WithCancel(t.Context())
		result := t.dialLater(ctx)
		t.rest()
		cancel()
		t.fails(await(t, "Dial", result), dialFault(to, canceled))
	}},
	{"a deadline ends a dial that nobody answers", func(t *trial) {
		to := t.silent()
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		err, why := await(t, "Dial", t.dialLater(ctx)), overdue
		if errors.Is(err, os.ErrDeadlineExceeded) {
			why = expired // the wait for the answer may end before the context is asked
		}
		t.fails(err, dialFault(to, why))
	}},
}

// silent is the address that nobody answers at, if the transport states one.
func (t *trial) silent() net.Addr {
	t.Helper()
	if t.net.Silent == "" {
		t.Skip("the Transport states no Silent address")
	}
	to, err := net.ResolveTCPAddr("tcp", t.net.Silent)
	if err != nil {
		t.Fatalf("Silent must be an IP address and a port: %v", err)
	}
	return to
}

// dialLater starts a dial to the silent address, which must end in an error.
func (t *trial) dialLater(ctx context.Context) <-chan error {
	return async(t, func() error {
		begin := time.Now()
		c, err := t.net.Dial(ctx, "tcp", t.net.Silent)
		if c != nil {
			c.Close()
			return errors.New("made a connection")
		}
		if d, ok := ctx.Deadline(); ok && time.Now().Before(d) && begin.Before(d) {
			return errors.New("gave up before the deadline: " + err.Error())
		}
		return err
	})
}

// badAddresses are networks and addresses that are none, and what net says of them. None is
// looked for on the transport.
var badAddresses = []struct{ network, address, text string }{
	{"tcp", "192.0.2.7", "address 192.0.2.7: missing port in address"},
	{"tcp", "192.0.2.7:1:2", "address 192.0.2.7:1:2: too many colons in address"},
	{"tcp", "[192.0.2.7:1", "address [192.0.2.7:1: missing ']' in address"},
	{"tcp", "[192.0.2.7]1", "address [192.0.2.7]1: missing port in address"},
	{"tcp", "192.0.2.7:99999", "address 99999: invalid port"},
	{"tcp", "192.0.2.7:-1", "address -1: invalid port"},
	{"tcp", "192.0.2.7:no-such-port", "lookup tcp/no-such-port: unknown port"},
	{"tcp5", "192.0.2.7:1", "unknown network tcp5"},
	{"", "192.0.2.7:1", "unknown network "},
	{"ip", "192.0.2.7", "unknown network ip"},
}

// badDialRows are rows that dial each bad address.
func badDialRows() (rows []row) {
	for _, bad := range badAddresses {
		name := "dialling " + bad.network + " " + bad.address + " tells what is wrong"
		rows = append(rows, row{name, func(t *trial) {
			c, err := t.net.Dial(t.Context(), bad.network, bad.address)
			if c != nil {
				t.Fatalf("made a connection to %v", c.RemoteAddr())
			}
			t.misfit(err, "dial", bad.network, bad.text)
		}})
	}
	return append(rows, row{"dialling no address tells that it is missing", func(t *trial) {
		_, err := t.net.Dial(t.Context(), "tcp", "")
		t.misfit(err, "dial", "tcp", "missing address")
	}}, row{"a context that is over does not hide that an address is none", func(t *trial) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := t.net.Dial(ctx, "tcp", "192.0.2.7")
		t.misfit(err, "dial", "tcp", "address 192.0.2.7: missing port in address")
	}})
}

// misfit fails the trial unless err is a *net.OpError without addresses, and says text.
func (t *trial) misfit(err error, op, network, text string) {
	t.Helper()
	e, ok := err.(*net.OpError)
	if !ok {
		t.Fatalf("got %v (%T), want a *net.OpError that says %q", err, err, text)
	}
	want := strings.TrimSuffix(op+" "+network, " ") + ": " + text
	if err.Error() != want || e.Op != op || e.Net != network || e.Source != nil || e.Addr != nil {
		t.Errorf("got  %v (Op %q, Net %q, Source %v, Addr %v)\nwant %v", err, e.Op, e.Net, e.Source, e.Addr, want)
	}
	if e.Timeout() {
		t.Errorf("%v says that time ran out", err)
	}
}
