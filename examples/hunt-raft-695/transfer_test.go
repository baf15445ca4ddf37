// A second hunt: leadership is handed over while links are cut, and the old leader leads again later.

package hunt_test

import (
	"math/rand/v2"
	"testing/cryptotest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// handOver lets n0 try, three times, to hand its leadership to a member it does not
// reach; then nobody hears n0, until another leads. Once all is well again, n0
// is made the leader, and must take a write.
func handOver(t *vnettest.T, form subject) (f finding) {
	cryptotest.SetGlobalRandom(t.T, t.Seed)
	r := rand.New(rand.NewPCG(t.Seed, 0))
	upTo := func(d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }
	all := form(t, upTo(20*time.Second))
	n0 := all[0].(*node)
	write(n0, "first", 5)
	time.Sleep(2 * time.Second) // virtual

	reach := begin(t, vnet.Fault{Kind: "cut", A: "n0", B: "n1"})
	write(n0, "missed", 5)
	time.Sleep(upTo(time.Second)) // virtual
	for range 3 {
		n0.LeadershipTransferToServer("n1", all[1].(*node).transport.LocalAddr()).Error()
		time.Sleep(upTo(500 * time.Millisecond)) // virtual
	}
	heard := begin(t, vnet.Fault{Kind: "cut", A: "n0", B: "n2"})
	t.Await("a leader besides n0", time.Minute, func() bool { return leading(all[1:]) != nil })
	time.Sleep(upTo(time.Second)) // virtual
	heard()
	reach()

	time.Sleep(10 * time.Second) // virtual
	for i := 0; i < 5 && !n0.Leads(); i++ {
		if other, ok := leading(all[1:]).(*node); ok {
			other.LeadershipTransferToServer("n0", n0.transport.LocalAddr()).Error()
		}
		time.Sleep(5 * time.Second) // virtual
	}
	if !n0.Leads() {
		t.Fatal("n0 does not lead again")
	}
	time.Sleep(time.Minute) // virtual
	if err := n0.Apply([]byte("last"), time.Second).Error(); err != nil && n0.State() == raft.Leader {
		f.refused = "n0 leads and answers each write: " + err.Error()
	}
	f.diverged = diverged(all)
	f.hung = stop(all)
	return f
}
