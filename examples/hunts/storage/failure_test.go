// One operation that fails, and a kill before a power failure: what was acknowledged must be there.

package storage_test

import (
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/rehearse-go/rehearse/vdisk"
)

// A trouble is what befalls one operation of a run.
type trouble struct {
	name  string
	meets func(vdisk.Op) bool
	does  func(*vdisk.Disk, vdisk.Op) vdisk.Verdict
}

var (
	// A sync that fails has lost what it was to store; Linux says so once.
	failedSync = trouble{"a sync fails", syncs, fails(syscall.EIO)}

	// The disk is full for a moment.
	noRoom = trouble{"no room", grows, fails(syscall.ENOSPC)}

	// The disk takes half of a write.
	halfRoom = trouble{"room for half", grows, func(_ *vdisk.Disk, op vdisk.Op) vdisk.Verdict {
		return vdisk.Verdict{Err: syscall.ENOSPC, Short: int(op.Len / 2)}
	}}

	// The program is killed: what it has written is in the page cache.
	kill = trouble{"killed", changes, func(d *vdisk.Disk, _ vdisk.Op) vdisk.Verdict {
		d.Crash(vdisk.Crash{Keep: true})
		return vdisk.Verdict{}
	}}
)

func syncs(op vdisk.Op) bool { return op.Kind == vdisk.Sync || op.Kind == vdisk.SyncDir }
func grows(op vdisk.Op) bool {
	return op.Kind == vdisk.Write || op.Kind == vdisk.Create || op.Kind == vdisk.Allocate || op.Kind == vdisk.Rename
}
func changes(op vdisk.Op) bool { return syncs(op) || grows(op) || op.Kind == vdisk.Remove }

func fails(err error) func(*vdisk.Disk, vdisk.Op) vdisk.Verdict {
	return func(*vdisk.Disk, vdisk.Op) vdisk.Verdict { return vdisk.Verdict{Err: err} }
}

// befall plays a run again and again, and the trouble befalls the first
// operation that it can befall, the second, and so on. The store may then
// refuse what it likes; it is opened again, adds, and the power fails. What it
// acknowledged at any time must be there.
func befall(t *testing.T, s subject, tr trouble, batches [][]string) *bag {
	t.Helper()
	found, runs := newBag(), 0
	for fell := true; fell; runs++ {
		var f *flaw
		var at string
		if f, at = s.troubled(tr, runs, batches); f != nil {
			found.put(f, "%s", at)
		}
		fell = at != ""
	}
	t.Logf("%s: %d runs", s.name, runs-1)
	return found
}

// troubled is one run, in which what n operations were spared befalls the
// next; at is which, or "" if there was none.
func (s subject) troubled(tr trouble, n int, batches [][]string) (f *flaw, at string) {
	d := vdisk.New(s.disk)
	turn := make(chan struct{}, 1) // stores work from several goroutines
	end := d.Rule(func(op vdisk.Op) (v vdisk.Verdict, decided bool) {
		turn <- struct{}{}
		defer func() { <-turn }()
		if at != "" || !tr.meets(op) {
			return v, false
		}
		if n--; n >= 0 {
			return v, false
		}
		at = op.String()
		return tr.does(d, op), true
	})
	var p promise
	s.live(d, &p, batches)
	s.live(d, &p, [][]string{{"again"}})
	end()
	d.Crash(vdisk.Crash{Lose: true})
	return s.check(d, p), at
}

// live is one life of the store.
func (s subject) live(d *vdisk.Disk, p *promise, batches [][]string) {
	st, err := s.open(d.Mount())
	if err != nil {
		return
	}
	defer st.close()
	for _, words := range batches {
		p.ask(words...)
		if st.add(words...) == nil {
			p.keep(words...)
		}
		synctest.Wait()
	}
}

func TestOneOperationFails(t *testing.T) {
	for _, c := range []struct {
		subject
		trouble
		found []string
	}{
		{raftWAL, failedSync, []string{lost, refuses}},
		{raftWAL, noRoom, []string{lost, refuses}},
		{raftWAL, halfRoom, []string{lost, refuses}},
		{raftWAL, kill, []string{lost, refuses}},
		{raftWALOnExt4, failedSync, []string{lost, refuses}},
		{raftWALOnExt4, noRoom, []string{refuses}},
		{raftWALOnExt4, halfRoom, []string{refuses}},
		{raftWALOnExt4, kill, []string{refuses}},
		{levelDB, failedSync, []string{lost}},
		{levelDB, noRoom, []string{closed}},
		{levelDB, halfRoom, []string{closed}},
		{levelDB, kill, []string{closed}},
		{levelDBOnExt4, failedSync, []string{lost}},
		{levelDBOnExt4, noRoom, []string{closed}},
		{levelDBOnExt4, halfRoom, []string{closed}},
		{levelDBOnExt4, kill, []string{closed}},
	} {
		t.Run(fmt.Sprint(c.subject.name, " ", c.trouble.name), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				befall(t, c.subject, c.trouble, batchesOf(8, 2, 700)).mustBe(t, c.found...)
			})
		})
	}
}
