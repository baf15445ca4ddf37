// Disks that are full, fail, lie, decay or are slow, beneath one node of three.

package commitlogtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/wal"
	"github.com/rehearse-go/rehearse/vdisk"
)

// tight nodes have segments of eight records of kilobyte.
func tight(e *clustertest.Env) (*replica, error) {
	return buildReplicaAt(e, ":8400", e.Index() == 0 && e.Life() == 0, commitlog.Config{Segment: 8 << 10})
}

// fill writes so many records of a kilobyte, and returns them after those before.
func fill(t *testing.T, n *place, before []string, count int) []string {
	t.Helper()
	for range count {
		before = append(before, fmt.Sprintf("%01000d", len(before)))
		produce(t, n, before[len(before)-1])
	}
	return before
}

// attempt produces once, and gives up after some of the bubble's time.
func attempt(n *place, value string, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	_, err := n.Program().Produce(ctx, commitlog.Batch{Records: []commitlog.Record{{Value: []byte(value)}}})
	return err
}

// awaitFailed awaits that a node tells of a failure of this type, or of none.
func awaitFailed[E error](t *testing.T, c *replicas, n *place) (found E) {
	t.Helper()
	c.Await(fmt.Sprintf("%s fails with %T", n.Name(), found), time.Minute, func() bool {
		return errors.As(n.Program().Status().Failed, &found)
	})
	return found
}

func TestAFollowerWithoutRoomHurtsNobody(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, tight, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		want := fill(t, first, nil, 10)
		poor := others(c, first)[0]
		room := c.Fault("disk " + poor.Name() + " full")
		want = fill(t, first, want, 60)
		awaitFailed[commitlog.Full](t, c, poor)
		if got := values(t, poor); len(got) < 10 || !slices.Equal(got, want[:len(got)]) {
			t.Errorf("without room it holds %s", brief(got))
		}
		room()
		same(c, want...)
		c.Await("there is room again", time.Minute, func() bool { return poor.Program().Status().Failed == nil })
	})
}

func TestALeaderWithoutRoomSaysSoAndGoesOnWhenThereIs(t *testing.T) {
	clustertest.Run(t, clustertest.Config{Nodes: 1}, tight, func(t *testing.T, c *replicas) {
		first := leader(c)
		want := fill(t, first, nil, 4)
		room := c.Fault("disk n0 full")
		var full commitlog.Full
		var err error
		for i := 0; i < 100 && !errors.As(err, &full); i++ {
			value := fmt.Sprintf("%01000d", len(want))
			if err = attempt(first, value, time.Second); !errors.As(err, &full) {
				want = append(want, value) // the one whose outcome nobody knows is written when there is room
			}
		}
		if !errors.As(err, &full) {
			t.Fatalf("a full disk: %v", err)
		}
		time.Sleep(time.Minute) // virtual
		if got := values(t, first); len(got) < 4 || !slices.Equal(got, want[:len(got)]) {
			t.Errorf("reading a full disk: %s", brief(got))
		}
		room()
		c.Await("there is room again", time.Minute, func() bool { return first.Program().Status().Failed == nil })
		want = fill(t, first, want, 20)
		same(c, want...)
		first.Crash()
		first.Start()
		leader(c)
		same(c, want...)
	})
}

func TestWritesGoOnElsewhereWhenTheLeaderHasNoRoom(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, tight, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		want := fill(t, first, nil, 10)
		room := c.Fault("disk " + first.Name() + " full")
		b := commitlog.Batch{Producer: 3}
		for range 60 {
			b.Sequence++
			want = append(want, fmt.Sprintf("%01000d", len(want)))
			b.Records = []commitlog.Record{{Value: []byte(want[len(want)-1])}}
			persist(t, c, b)
		}
		room()
		same(c, want...)
	})
}

// persist sends a batch to whoever leads, until it is in the log.
func persist(t *testing.T, c *replicas, b commitlog.Batch) {
	t.Helper()
	var err error
	for range 100 {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		_, err = leader(c).Program().Produce(ctx, b)
		cancel()
		if err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond) // virtual
	}
	t.Fatalf("sequence %d: %v", b.Sequence, err)
}

func TestANodeWhoseDiskFailedIsOutUntilItIsRestarted(t *testing.T) {
	for _, what := range []string{"sync eio", "write eio"} {
		for _, who := range []string{"leader", "follower"} {
			t.Run(who+" "+what, func(t *testing.T) {
				clustertest.Run(t, clustertest.Config{}, tight, func(t *testing.T, c *replicas) {
					found(c)
					first := leader(c)
					want := fill(t, first, nil, 3)
					same(c, want...)
					hurt := others(c, first)[0]
					if who == "leader" {
						hurt = first
					}
					outUntilRestarted(t, c, hurt, what, want)
				})
			})
		}
	}
}

func outUntilRestarted(t *testing.T, c *replicas, hurt *place, what string, want []string) {
	first := leader(c)
	end := c.Fault("disk " + hurt.Name() + " " + what)
	value := fmt.Sprintf("%0100d", len(want))
	err := attempt(first, value, 10*time.Second)
	if hurt == first && !errors.As(err, new(commitlog.Uncertain)) || hurt != first && err != nil {
		t.Errorf("a batch while it fails: %v", err)
	}
	awaitFailed[commitlog.Latched](t, c, hurt)
	end()
	second := leader(c, hurt)
	produce(t, second, "more")
	if err := attempt(hurt, "no", time.Second); !errors.As(err, new(commitlog.Latched)) {
		t.Errorf("a batch for it: %v", err)
	}
	if got := values(t, hurt); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("it can be read no more: %s", brief(got))
	}
	if l := hurt.Program().Status().Leader; l.ID != "" {
		t.Errorf("it hears nobody, and names a leader: %+v", l)
	}
	ctx, cancel := minute()
	defer cancel()
	if err := hurt.Program().WaitCommitted(ctx, 1<<40); !errors.As(err, new(commitlog.Latched)) {
		t.Errorf("waiting for what it will never have: %v", err)
	}
	hurt.Restart()
	c.Await("restarted, it takes writes", time.Minute, func() bool { return hurt.Program().Status().Failed == nil })
	last := produce(t, leader(c), "last")
	for n := range c.Running() {
		if err := n.Program().WaitApplied(ctx, last.Index); err != nil {
			t.Errorf("%s: %v", n.Name(), err)
		}
	}
	all := values(t, second)
	same(c, all...)
	if !slices.Equal(all[:len(want)], want) || !slices.Contains(all, "more") {
		t.Errorf("%s is left", brief(all))
	}
}

// decay flips a bit in one of a node's segments, chosen from their names.
func decay(t *testing.T, n *place, off int64, choose func(segments []string) string) (segment string) {
	t.Helper()
	var all []string
	for _, name := range n.Disk().Files() {
		if strings.HasSuffix(name, ".seg") {
			all = append(all, name)
		}
	}
	segment = choose(all)
	n.Disk().Flip(segment, off, 3)
	return segment
}

func oldest(segments []string) string { return slices.Min(segments) }
func newest(segments []string) string { return slices.Max(segments) }

func TestDecayFoundAtTheStartIsToldAndNothingIsCut(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, tight, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		want := fill(t, first, nil, 30)
		same(c, want...)
		bad := others(c, first)[0]
		bad.Stop()
		segment := decay(t, bad, 1000, newest) // what is sealed is checked when it is read
		before := contents(t, bad.Disk())
		spare := c.Host("spare")
		l, err := spare.Listen(t.Context(), "tcp", ":8400")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, err = commitlog.New(commitlog.Config{
			Name: bad.Name(), FS: bad.Disk().Mount(), Listener: l, Dial: spare.Dial, Segment: 8 << 10,
		})
		var corrupt *wal.Corrupt
		if !errors.As(err, &corrupt) {
			t.Fatalf("not found at the start: %v", err)
		}
		if corrupt.Segment != segment || corrupt.Pos > 1000 || !strings.Contains(err.Error(), segment) {
			t.Errorf("%s is bad, and it says: %v", segment, err)
		}
		if after := contents(t, bad.Disk()); after != before {
			t.Error("the directory was changed")
		}
		wipe(t, bad)
		bad.Start()
		join(t, first, member(bad))
		awaitVoters(c)
		same(c, want...)
	})
}

// contents are a disk's files, as text.
func contents(t *testing.T, d *vdisk.Disk) string {
	t.Helper()
	var b strings.Builder
	disk := d.Mount()
	for _, name := range d.Files() {
		f, err := disk.OpenFile(name, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		size, _ := f.Size()
		data := make([]byte, size)
		if _, err := f.ReadAt(data, 0); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %x\n", name, data)
		f.Close()
	}
	return b.String()
}

func TestDecayFoundByAReaderIsToldAndOthersServe(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, tight, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		want := fill(t, first, nil, 30)
		same(c, want...)
		first.Restart() // nothing of it is in memory then
		first.Program().WaitOffset(t.Context(), uint64(len(want)-1))
		segment := decay(t, first, 4000, oldest)
		var told error
		for _, err := range first.Program().Read(t.Context(), 0, commitlog.ReadOptions{}) {
			told = err
		}
		var corrupt *wal.Corrupt
		if !errors.As(told, &corrupt) || corrupt.Segment != segment {
			t.Errorf("reading %s: %v", segment, told)
		}
		want = fill(t, leader(c), want, 3)
		for _, n := range others(c, first) {
			if err := n.Program().WaitOffset(t.Context(), uint64(len(want)-1)); err != nil {
				t.Error(err)
			}
			if got := values(t, n); !slices.Equal(got, want) {
				t.Errorf("%s holds %s", n.Name(), brief(got))
			}
		}
	})
}

func TestANodeWhoseDiskLiedDoesNotPretend(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, tight, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		want := fill(t, first, nil, 3)
		same(c, want...)
		liar := others(c, first)[0]
		truth := c.Fault("disk " + liar.Name() + " sync lie")
		want = fill(t, first, want, 20)
		same(c, want...)
		liar.Disk().Crash(vdisk.Crash{Lose: true, Ghost: true})
		liar.Crash()
		truth()
		want = fill(t, first, want, 1)
		liar.Start()
		time.Sleep(10 * time.Second) // virtual
		s := liar.Program().Status()
		var latched commitlog.Latched
		if s.Durable < first.Program().Status().Durable && !errors.As(s.Failed, &latched) {
			t.Errorf("it lacks what it acknowledged, and says %+v", s)
		}
		want = fill(t, first, want, 3)
		liar.Stop()
		wipe(t, liar)
		liar.Start()
		join(t, leader(c), member(liar))
		awaitVoters(c)
		same(c, want...)
	})
}

func TestOneSlowDiskHoldsNobodyUp(t *testing.T) {
	clustertest.Run(t, clustertest.Config{}, tight, func(t *testing.T, c *replicas) {
		found(c)
		first := leader(c)
		slow := others(c, first)[0]
		end := c.Fault("disk " + slow.Name() + " slow 200ms")
		began := time.Now()
		want := fill(t, first, nil, 40)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("40 batches took %v", took)
		}
		end()
		same(c, want...)
	})
}
