// Harsher storms: tiny segments, broken disks and clocks, members that come and go.

package commitlogtest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/vnet"
)

// tiny is the size of segments of which a storm fills dozens, so that nodes
// which were away fetch segments.
const tiny = 4 << 10

func TestNoHarsherStormLosesWhatWasAcknowledged(t *testing.T) {
	for _, c := range []struct {
		name string
		climate
	}{
		{"tiny segments", climate{node: commitlog.Config{Segment: tiny}}},
		{"all crash at once", climate{node: commitlog.Config{Segment: tiny}, nemesis: allCrash}},
		{"power failures", climate{node: commitlog.Config{Segment: tiny}, nemesis: powerFails}},
		{"disks", climate{nemesis: disksBreak}},
		{"disks and tiny segments", climate{node: commitlog.Config{Segment: tiny}, nemesis: disksBreak}},
		{"full disks", climate{node: commitlog.Config{Segment: tiny}, nemesis: disksFill}},
		{"restarts", climate{nemesis: nodesRestart}},
		{"clocks", climate{nemesis: clocksErr}},
		{"five nodes", climate{
			cluster: clustertest.Config{Nodes: 5}, node: commitlog.Config{Segment: tiny},
		}},
		{"members", climate{
			cluster: clustertest.Config{Nodes: 5}, node: commitlog.Config{Segment: tiny},
			meanwhile: membersChange, afterward: allJoin,
		}},
		{"transfers", climate{meanwhile: leadershipMoves}},
		{"retention", climate{node: commitlog.Config{Segment: tiny, Retain: commitlog.Retain{Bytes: 4 * tiny}}}},
		{"slow links", climate{
			cluster: clustertest.Config{Net: vnet.Config{Link: vnet.LinkConfig{
				Latency: 60 * time.Millisecond, Jitter: 80 * time.Millisecond, Bandwidth: 20 << 10,
			}}},
			node: commitlog.Config{Segment: tiny}, nemesis: linksSuffer,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.seeds = 6
			c.sweep(t)
		})
	}
}

// diskFailed says that a node ended, or did not start, because its disk failed.
func diskFailed(_ string, err error) bool {
	return err == nil || errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENOSPC)
}

// allCrash lets all nodes crash at one instant, again and again.
func allCrash(c *replicas) clustertest.Nemesis {
	draw := c.Rand("crashes")
	var list clustertest.Faults
	for at := time.Second; at < time.Minute; {
		what := [...]string{"crash", "crash", "poweroff", "kill"}[draw.IntN(4)]
		length := upTo(draw, 3*time.Second)
		list = append(list, clustertest.Fault{At: at, For: length, What: what + " n0,n1,n2"})
		at += length + time.Second/2 + upTo(draw, 8*time.Second)
	}
	return clustertest.Nemesis{Majority: true, Within: 2 * time.Minute, Faults: list}
}

func upTo(draw *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(1+draw.Int64N(int64(d)/1e6)) * time.Millisecond
}

// powerFails cuts the power here and there, mostly soon after it is back.
func powerFails(*replicas) clustertest.Nemesis {
	return clustertest.Nemesis{
		Majority: true, Kinds: clustertest.Kinds("poweroff", "crash", "isolate"),
		Pause: 1500 * time.Millisecond, Length: time.Second, Most: 3,
	}
}

// disksBreak lets disks fail, with some crashes between.
func disksBreak(*replicas) clustertest.Nemesis {
	return clustertest.Nemesis{
		Majority: true, Pause: 2 * time.Second, Length: 3 * time.Second, Most: 3,
		Kinds: clustertest.Kinds("disk sync eio", "disk write eio", "disk read eio", "disk allocate eio",
			"disk rename eio", "disk write enospc", "disk allocate enospc", "disk full", "disk slow 200ms",
			"disk sync slow 1s",
			"crash", "isolate", "poweroff"),
	}
}

// disksFill lets disks have no room, and do writes by half. Of power failures
// there are none: what one of them leaves of half a write is damage, and a
// node whose log is damaged does not start.
func disksFill(*replicas) clustertest.Nemesis {
	return clustertest.Nemesis{
		Majority: true, Pause: 2 * time.Second, Length: 3 * time.Second, Most: 3,
		Kinds: clustertest.Kinds("disk write short", "disk full", "disk allocate enospc", "kill", "isolate", "stop"),
	}
}

// nodesRestart lets nodes restart, and answers be lost.
func nodesRestart(*replicas) clustertest.Nemesis {
	return clustertest.Nemesis{
		Majority: true, Pause: time.Second, Length: time.Second, Most: 3,
		Kinds: clustertest.Kinds("restart", "stop", "kill", "deaf", "mute", "isolate", "split"),
	}
}

// clocksErr lets clocks run wrong, beside the other faults.
func clocksErr(*replicas) clustertest.Nemesis {
	kinds := clustertest.Kinds("clock", "isolate", "split", "deaf", "mute", "crash", "latency", "pause")
	kinds[0].Weight, kinds[1].Weight, kinds[2].Weight = 12, 6, 6
	return clustertest.Nemesis{
		Majority: true, Kinds: kinds, Pause: time.Second, Length: 3 * time.Second, Most: 3,
	}
}

// linksSuffer lets links be slow, and lose and reset what is on them.
func linksSuffer(*replicas) clustertest.Nemesis {
	return clustertest.Nemesis{
		Kinds:    clustertest.Kinds("latency", "jitter", "loss", "bandwidth", "reset", "deaf", "mute", "crash"),
		Majority: true, Pause: 2 * time.Second, Length: 5 * time.Second, Most: 3,
	}
}

// membersChange takes members out and in again, and moves leadership.
func membersChange(w *weather) {
	draw := w.c.Rand("members")
	for ; !w.over(); w.rest(draw) {
		n, other := w.any(draw), w.any(draw)
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		switch draw.IntN(3) {
		case 0:
			_ = n.Program().Remove(ctx, other.Name()) // or it does not lead, or nobody answers
		case 1:
			_ = n.Program().Join(ctx, memberOf(other))
		default:
			_ = n.Program().Transfer(ctx, other.Name())
		}
		cancel()
	}
}

// allJoin makes all nodes members again.
func allJoin(w *weather) {
	w.t.Helper()
	found(w.c)
}

// leadershipMoves hands leadership on, all the time.
func leadershipMoves(w *weather) {
	draw := w.c.Rand("transfers")
	for ; !w.over(); w.rest(draw) {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		_ = w.any(draw).Program().Transfer(ctx, w.any(draw).Name()) // or it does not lead
		cancel()
	}
}

// memberOf is what a node is when it joins.
func memberOf(n *place) commitlog.Member {
	return commitlog.Member{Name: n.Name(), Addr: n.Name() + ":8400", ID: n.Program().Status().ID}
}
