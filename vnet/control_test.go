// The test's handles on ends and sockets, and what read policies do.

package vnet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/rehearse-go/rehearse/vnet"
)

func TestAnEndShowsWhatWaitsWhere(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		n.Hold()
		io.WriteString(a, "one")
		n.Flush()
		io.WriteString(a, "two")
		e := vnet.EndOf(b)
		if string(e.Unread()) != "one" || string(e.InFlight()) != "two" || string(e.Peer().Output()) != "two" {
			t.Errorf("unread %q, in flight %q, output %q", e.Unread(), e.InFlight(), e.Peer().Output())
		}
		if e.Peer().Acked() {
			t.Error("acknowledged though two has not arrived")
		}
		e.Inject([]byte("!"))
		if e.Deliver() != 1 || !e.Peer().Acked() {
			t.Error("not acknowledged after it was delivered")
		}
		if got := e.Take(4); string(got) != "one!" || string(e.Take(-1)) != "two" {
			t.Errorf("took %q and then something else than two", got)
		}
	})
}

func TestAReadPolicyCutsWhatArrives(t *testing.T) {
	for _, row := range []struct {
		policy vnet.ReadPolicy
		want   []string
	}{
		{vnet.ReadPolicy{}, []string{"0123456789"}},
		{vnet.AtMost(4), []string{"0123", "4567", "89"}},
		{vnet.Exactly(4), []string{"0123", "4567", "89"}}, // the tail passes at the end
		{vnet.AtLeast(4), []string{"0123456789"}},
		{vnet.AtLeast(100), []string{"0123456789"}},
		{vnet.Exactly(1), strings.Split("0123456789", "")},
	} {
		bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
			a, b := n.Pair("a", "b")
			vnet.EndOf(b).SetReadPolicy(row.policy)
			io.WriteString(a, "0123456789")
			a.Close()
			var got []string
			buf := make([]byte, 64)
			for k, err := b.Read(buf); err == nil; k, err = b.Read(buf) {
				got = append(got, string(buf[:k]))
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("%v: reads %q, want %q", row.policy, got, row.want)
			}
		})
	}
}

func TestAPolicyWaitsForItsNumber(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		a, b := n.Pair("a", "b")
		vnet.EndOf(b).SetReadPolicy(vnet.Exactly(3))
		read := make(chan string)
		go func() {
			buf := make([]byte, 64)
			k, _ := b.Read(buf)
			read <- string(buf[:k])
		}()
		io.WriteString(a, "ab")
		synctest.Wait()
		select {
		case s := <-read:
			t.Fatalf("two bytes were read as %q", s)
		default:
		}
		io.WriteString(a, "cd")
		if s := <-read; s != "abc" {
			t.Errorf("read %q, want exactly three", s)
		}
	})
}

func TestADialCanBeProvidedAndAListenMadeToFail(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		end := n.Provide("db:5432")
		c, err := n.Host("app").Dial(t.Context(), "tcp", "db:5432")
		if err != nil || n.Provided("db:5432") {
			t.Fatalf("a provided dial: %v, still provided: %v", err, n.Provided("db:5432"))
		}
		io.WriteString(c, "hello")
		if got := end.Unread(); string(got) != "hello" {
			t.Errorf("the provided end has %q", got)
		}
		if _, err := n.Host("app").Dial(t.Context(), "tcp", "db:5432"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the second dial: %v, want refused", err)
		}
		n.Host("db").FailListen(5432, syscall.EACCES)
		if _, err := n.Host("db").Listen(t.Context(), "tcp", ":5432"); !errors.Is(err, syscall.EACCES) {
			t.Errorf("the armed listen: %v", err)
		}
		if _, err := n.Host("db").Listen(t.Context(), "tcp", ":5432"); err != nil {
			t.Errorf("the listen after it: %v", err)
		}
	})
}

func TestASocketShowsItsDatagramsAndTakesInjectedOnes(t *testing.T) {
	bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
		p, err := n.Host("dns").ListenPacket(t.Context(), "udp", ":53")
		if err != nil {
			t.Fatal(err)
		}
		c, err := n.Host("app").Dial(t.Context(), "udp", "dns:53")
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "asked")
		s := n.Socket("dns:53")
		s.Inject("evil:99", []byte("forged"))
		want := "[app:32768>dns:53 app:32768 > dns:53 packet 5 evil:99>dns:53 evil:99 > dns:53 packet 6]"
		if got := fmt.Sprint(s.Unread()); got != want {
			t.Errorf("unread: %s, want %s", got, want)
		}
		buf := make([]byte, 10)
		p.ReadFrom(buf)
		k, from, err := p.ReadFrom(buf)
		if string(buf[:k]) != "forged" || err != nil || !strings.HasSuffix(from.String(), ":99") {
			t.Errorf("read %q from %v, %v", buf[:k], from, err)
		}
	})
}

func TestAPolicyIsPrinted(t *testing.T) {
	for policy, want := range map[vnet.ReadPolicy]string{
		{}: "any", vnet.Exactly(3): "exactly 3", vnet.AtMost(1): "at most 1", vnet.AtLeast(7): "at least 7",
	} {
		if got := policy.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestCopyingAStreamMovesEveryByte(t *testing.T) {
	for _, policy := range []vnet.ReadPolicy{{}, vnet.AtMost(3), vnet.Exactly(1000)} {
		bubble(t, vnet.Config{}, func(t *testing.T, n *vnet.Network) {
			in, a := n.Pair("in", "proxy")
			b, out := n.Pair("proxy", "out")
			vnet.EndOf(a).SetReadPolicy(policy)
			go func() {
				io.Copy(b, a)
				b.Close()
			}()
			sent := bytes.Repeat([]byte("0123456789"), 5000)
			go func() {
				in.Write(sent)
				in.Close()
			}()
			if got, err := io.ReadAll(out); !bytes.Equal(got, sent) || err != nil {
				t.Errorf("%v: %d of %d bytes came out, or others; %v", policy, len(got), len(sent), err)
			}
		})
	}
}
