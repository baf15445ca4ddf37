// hashicorp/memberlist: a cluster finds itself, parts, and finds itself again.

package interop_test

import (
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// lan is a network as between machines of one data centre.
var lan = vnet.Config{Link: vnet.LinkConfig{Latency: time.Millisecond, Jitter: time.Millisecond}}

// gossipers starts n members on the hosts n0, n1, ..., which all join n0.
func gossipers(t *vnettest.T, n int) (all []*memberlist.Memberlist) {
	t.Helper()
	for i := range n {
		c := memberlist.DefaultLANConfig()
		c.Name = fmt.Sprintf("n%d", i)
		c.Transport = newGossip(t, c.Name)
		c.LogOutput = io.Discard
		m, err := memberlist.Create(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Shutdown() })
		all = append(all, m)
		join(t, m)
	}
	return all
}

// join brings m to the others over n0.
func join(t *vnettest.T, m *memberlist.Memberlist) {
	t.Helper()
	seed := fmt.Sprintf("%v:%d", t.Host("n0").IP4(), gossipPort)
	if _, err := m.Join([]string{seed}); err != nil {
		t.Fatal(err)
	}
}

// expectMembers fails unless each of the members knows exactly the named ones.
func expectMembers(t *vnettest.T, all []*memberlist.Memberlist, want []string) {
	t.Helper()
	for _, m := range all {
		var got []string
		for _, n := range m.Members() {
			got = append(got, n.Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s knows %v, want %v", m.LocalNode().Name, got, want)
		}
	}
}

func TestMemberlistPartsAndHeals(t *testing.T) {
	vnettest.Run(t, vnettest.Config{Net: lan}, func(t *vnettest.T) {
		all := gossipers(t, 10)
		names := []string{"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9"}
		time.Sleep(30 * time.Second) // virtual
		expectMembers(t, all, names)

		heal := t.Part("n7", "n8", "n9")
		time.Sleep(2 * time.Minute) // virtual
		expectMembers(t, all[:7], names[:7])
		expectMembers(t, all[7:], names[7:])

		heal()
		join(t, all[9])
		time.Sleep(time.Minute) // virtual
		expectMembers(t, all, names)
	})
}

func TestMemberlistKeepsEverybodyOverALossyLink(t *testing.T) {
	link := vnet.LinkConfig{Latency: 5 * time.Millisecond, Loss: 0.05, Duplicate: 0.05, Reorder: 0.05}
	vnettest.Run(t, vnettest.Config{Net: vnet.Config{Link: link}}, func(t *vnettest.T) {
		all := gossipers(t, 5)
		time.Sleep(5 * time.Minute) // virtual
		expectMembers(t, all, []string{"n0", "n1", "n2", "n3", "n4"})
	})
}

func TestMemberlistNoticesAHostThatDies(t *testing.T) {
	vnettest.Run(t, vnettest.Config{Net: lan}, func(t *vnettest.T) {
		all := gossipers(t, 5)
		time.Sleep(10 * time.Second) // virtual
		t.Host("n4").Crash()
		time.Sleep(time.Minute) // virtual
		expectMembers(t, all[:4], []string{"n0", "n1", "n2", "n3"})
	})
}
