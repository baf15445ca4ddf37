// Every state that a crash could leave, at every sync of a run.

package storage_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/vdisk"
)

// most is how many states are looked at before one sync.
const most = 200

// A watch goes through the states that a crash could leave of a disk.
type watch struct {
	subject
	disk  *vdisk.Disk
	turn  chan struct{} // holds a token while somebody uses what follows: stores sync from several goroutines
	asked promise       // of which the last words are being added
	found *bag
	seen  int
}

// everyState lets a store add batches of words, and before each sync goes
// through the states that a crash could leave, on disks of their own.
func everyState(t *testing.T, s subject, batches [][]string) *bag {
	t.Helper()
	w := &watch{subject: s, disk: vdisk.New(s.disk), turn: make(chan struct{}, 1), found: newBag()}
	w.disk.Rule(func(op vdisk.Op) (v vdisk.Verdict, decided bool) {
		if op.Kind == vdisk.Sync || op.Kind == vdisk.SyncDir {
			w.look(op)
		}
		return v, false
	})
	st, err := s.open(w.disk.Mount())
	if err != nil {
		t.Fatal(err)
	}
	defer st.close()
	for _, words := range batches {
		w.note(func(p *promise) { p.ask(words...) })
		if err := st.add(words...); err != nil {
			t.Fatal(err)
		}
		w.note(func(p *promise) { p.keep(words...) })
		synctest.Wait() // what it does behind one's back is done
	}
	t.Logf("%s: %d states", s.name, w.seen)
	return w.found
}

// look holds every state to what is promised now.
func (w *watch) look(op vdisk.Op) {
	w.note(func(p *promise) {
		for state, err := range w.disk.States(most) {
			if err == nil {
				w.seen++
				w.found.put(w.check(state, *p), "at %v with %s", op, brief(p.words))
			}
		}
	})
}

func (w *watch) note(change func(*promise)) {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	change(&w.asked)
}

// batchesOf makes n batches of so many words of so many bytes.
func batchesOf(n, words, size int) (batches [][]string) {
	for i := range n {
		var batch []string
		for j := range words {
			batch = append(batch, fmt.Sprintf("%03d.%d", i, j)+strings.Repeat("x", size))
		}
		batches = append(batches, batch)
	}
	return batches
}

// goodbye is longer than goleveldb has a goroutine after Close.
const goodbye = 2 * time.Second

// inBubble runs a hunt where nothing else happens at the same time.
func inBubble(t *testing.T, hunt func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		hunt(t)
		time.Sleep(goodbye) // virtual
	})
}

func TestEveryStateOfACrash(t *testing.T) {
	for _, c := range []struct {
		subject
		found []string
	}{
		{raftWAL, []string{lost, refuses}},
		{raftWALOnExt4, []string{refuses}},
		{levelDB, []string{closed, lost}},
		{levelDBOnExt4, []string{closed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) { everyState(t, c.subject, batchesOf(8, 2, 700)).mustBe(t, c.found...) })
		})
	}
}
