// Looking names up on a virtual network, as programs do.

package vnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
)

// warm makes package net's global channel outside of every bubble.
var warm = sync.OnceFunc(func() {
	vnet.New(vnet.Config{}).Host("app").Resolver().LookupHost(context.Background(), "app")
})

// lookUp asks a dialer's resolver, as a program would, for names and addresses.
func lookUp(t *testing.T, n *vnet.Network) {
	d := net.Dialer{Resolver: n.Host("app").Resolver()}
	ctx := t.Context()
	api := n.Host("api")
	want := []string{api.IP4().String(), api.IP6().String()}
	slices.Sort(want)
	for _, name := range []string{"api", "api.", "API"} {
		got, err := d.Resolver.LookupHost(ctx, name)
		if slices.Sort(got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s has the addresses %v (%v), want %v", name, got, err, want)
		}
	}
	for network, want := range map[string]netip.Addr{"ip4": api.IP4(), "ip6": api.IP6()} {
		ips, err := d.Resolver.LookupNetIP(ctx, network, "api")
		if err != nil || len(ips) != 1 || ips[0].Unmap() != want {
			t.Errorf("api's addresses over %s are %v (%v), want %v", network, ips, err, want)
		}
	}
	for _, addr := range want {
		if names, err := d.Resolver.LookupAddr(ctx, addr); err != nil || !slices.Equal(names, []string{"api."}) {
			t.Errorf("%s has the names %q (%v), want api.", addr, names, err)
		}
	}
	var unknown *net.DNSError
	if got, err := d.Resolver.LookupHost(ctx, "stranger.example"); !errors.As(err, &unknown) || !unknown.IsNotFound {
		t.Errorf("a stranger: %v, %v; want one that is not found", got, err)
	}
	if got, err := d.Resolver.LookupAddr(ctx, "192.0.2.1"); !errors.As(err, &unknown) || !unknown.IsNotFound {
		t.Errorf("a stranger's address: %v, %v; want one that is not found", got, err)
	}
	if got, err := d.Resolver.LookupTXT(ctx, "api"); !errors.As(err, &unknown) || !unknown.IsNotFound {
		t.Errorf("a record that hosts do not have: %v, %v; want one that is not found", got, err)
	}
}

func TestAResolverKnowsTheHosts(t *testing.T) {
	warm()
	t.Run("outside a bubble", func(t *testing.T) { lookUp(t, vnet.New(vnet.Config{})) })
	for _, name := range []string{"in a bubble", "in another bubble"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
				start := time.Now()
				lookUp(t, n)
				if took := time.Since(start); took != 0 {
					t.Errorf("looking up took %v of the bubble's time", took)
				}
			})
		})
	}
	t.Run("on a held network", func(t *testing.T) {
		bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
			n.Hold()
			lookUp(t, n)
		})
	})
}

func TestAResolverFailsWithItsHostAndItsNetwork(t *testing.T) {
	warm()
	n := vnet.New(vnet.Config{})
	app := n.Host("app")
	n.Host("api")
	app.Down()
	if got, err := app.Resolver().LookupHost(t.Context(), "api"); err == nil {
		t.Errorf("a host that is down found %v", got)
	}
	app.Up()
	if _, err := app.Resolver().LookupHost(t.Context(), "api"); err != nil {
		t.Errorf("the host is up again: %v", err)
	}
	n.Close()
	if _, err := app.Resolver().Dial(t.Context(), "udp", "ns:53"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("asking on a closed network: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := app.Resolver().LookupHost(gone, "api"); err == nil {
		t.Errorf("a cancelled lookup found %v", got)
	}
}

// question is "what is api's address?", as a program sends it.
const question = "\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03api\x00\x00\x01\x00\x01"

func askNames(t *testing.T, n *vnet.Network, network string) net.Conn {
	t.Helper()
	n.Host("api")
	c, err := n.Host("app").Resolver().Dial(t.Context(), network, "192.0.2.53:53")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestTheNameServerAnswersDatagrams(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		c := askNames(t, n, "udp")
		p, ok := c.(net.PacketConn)
		if !ok {
			t.Fatal("a connection over udp is no net.PacketConn: package net would speak as over tcp")
		}
		io.WriteString(c, "x") // no query, no answer
		io.WriteString(c, question)
		p.WriteTo([]byte(question), c.RemoteAddr())
		buf := make([]byte, 512)
		if k, err := c.Read(buf); err != nil || !strings.HasSuffix(string(buf[:k]), "\x04\x0a\x00\x00\x01") {
			t.Errorf("the answer is %q (%v), want one that ends in 10.0.0.1", buf[:k], err)
		}
		if k, from, err := p.ReadFrom(buf[:20]); k != 20 || from.String() != "127.0.0.1:53" || err != nil {
			t.Errorf("read %d bytes from %v (%v), want 20, the rest lost", k, from, err)
		}
		c.SetDeadline(time.Now().Add(time.Minute))
		start := time.Now()
		_, err := c.Read(buf)
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("without an answer: %v after %v, want the deadline", err, time.Since(start))
		}
	})
}

func TestTheNameServerAnswersStreams(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		c := askNames(t, n, "tcp")
		framed := "\x00" + string(rune(len(question))) + question
		for _, b := range []byte(framed + framed) {
			if k, err := c.Write([]byte{b}); k != 1 || err != nil {
				t.Fatal(k, err)
			}
		}
		for range 2 {
			size := make([]byte, 2)
			if _, err := io.ReadFull(c, size); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, int(size[0])<<8|int(size[1]))
			if _, err := io.ReadFull(c, got); err != nil || !strings.HasSuffix(string(got), "\x04\x0a\x00\x00\x01") {
				t.Errorf("the answer is %q (%v), want one that ends in 10.0.0.1", got, err)
			}
		}
	})
}

func TestAConnectionToTheNameServerCloses(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		c := askNames(t, n, "tcp")
		failed := make(chan error)
		go func() {
			_, err := c.Read(make([]byte, 1))
			failed <- err
		}()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		_, write := c.Write([]byte("x"))
		for what, err := range map[string]error{
			"read": <-failed, "write": write, "close": c.Close(), "set a deadline": c.SetDeadline(time.Time{}),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s when closed: %v", what, err)
			}
		}
		_, err := n.Host("app").Resolver().Dial(t.Context(), "ip", "")
		if !errors.As(err, new(net.UnknownNetworkError)) {
			t.Errorf("dialling over ip: %v", err)
		}
	})
}

func TestAnswersThatNobodyReadsAreBounded(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		c := askNames(t, n, "udp")
		for range 1000 {
			io.WriteString(c, question)
		}
		c.SetDeadline(time.Now().Add(time.Second))
		count := 0
		for _, err := c.Read(make([]byte, 512)); err == nil; _, err = c.Read(make([]byte, 512)) {
			count++
		}
		if count == 0 || count > 100 {
			t.Errorf("%d of 1000 answers were kept, want some and not all", count)
		}
	})
}
