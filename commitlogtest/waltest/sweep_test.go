// Longer lives of a log, drawn by seed: crashes, failed and lying syncs, full disks, decay.

package waltest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/commitlog/wal"
	"github.com/rehearse-go/rehearse/vdisk"
)

// A life is a story that goes on after crashes.
type life struct {
	*story
	rand *rand.Rand
	ops  int // of the disk, before the next crash; 0 for none
}

func live(t testing.TB, seed uint64) *life {
	r := rand.New(rand.NewPCG(seed, 1))
	sizes := []int64{512, 1024, 4096, 1 << 16}
	l := &life{story: begin(t, wal.Config{SegmentSize: sizes[r.IntN(4)], TailBytes: 1 << r.IntN(12)},
		vdisk.Config{Seed: seed}), rand: r}
	l.c.FS = l.disk.Mount()
	return l
}

// crash lets the disk crash after so many of its operations.
func (l *life) crash(ops int) {
	l.ops = ops
	remove := func() {}
	remove = l.disk.Rule(func(op vdisk.Op) (v vdisk.Verdict, decided bool) {
		l.model.mu.Lock()
		l.ops--
		now := l.ops == 0
		l.model.mu.Unlock()
		if now {
			remove()
			l.disk.Crash(vdisk.Crash{})
		}
		return v, false
	})
}

// step does one thing to the log.
func (l *life) step() error {
	last := l.log.Last()
	index := last + 1
	switch n := l.rand.IntN(20); {
	case n == 0 && last > 0: // another leader's entries
		l.term++
		index -= uint64(l.rand.IntN(int(min(last-l.log.First()+2, 5))))
	case n == 1:
		l.term++
	case n == 2:
		l.model.mu.Lock()
		l.model.last().first = max(l.model.last().first, last/2)
		before := l.model.last().first
		l.model.mu.Unlock()
		return l.log.Trim(before)
	case n < 8:
		return l.sync()
	case n < 10:
		return l.log.Mark()
	}
	sizes := make([]int, 1+l.rand.IntN(4))
	for i := range sizes {
		sizes[i] = l.rand.IntN(1 << l.rand.IntN(11))
	}
	return l.append(index, sizes...)
}

// back opens the log after a crash, checks it, and goes on from what is there.
func (l *life) back() {
	l.t.Helper()
	l.log.Close()
	l.c.FS = l.disk.Mount()
	l.open()
	if err := l.model.check(l.log); err != nil {
		l.t.Fatalf("%v\nlost: %q", err, l.disk.Losses())
	}
	m := l.model
	for i := range m.lines {
		if all, err := l.log.Entries(l.log.First(), l.log.Last()+1, 1<<30); l.log.Last() < l.log.First() ||
			err == nil && m.lines[i].check(l.log, all) == nil {
			m.lines = []line{m.lines[i]}
			break
		}
	}
	m.last().entries = m.last().entries[:l.log.Last()]
	m.last().first = max(m.last().first, l.log.First())
	m.states = append(m.states, l.log.State())
	l.term = max(l.term, l.log.State().Term)
	m.synced() // what was found is durable now
}

func seeds(t *testing.T, n uint64, f func(t *testing.T, seed uint64)) {
	if testing.Short() {
		n /= 10
	}
	for seed := range n {
		f(t, seed)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestCrashesLoseNothingThatWasSynced(t *testing.T) {
	seeds(t, 400, func(t *testing.T, seed uint64) {
		l := live(t, seed)
		defer func() {
			if t.Failed() {
				t.Logf("seed %d", seed)
			}
		}()
		l.open()
		for range 6 {
			l.crash(1 + l.rand.IntN(150))
			for l.step() == nil {
			}
			l.back()
		}
		l.must(l.log.Close())
	})
}

func TestAFailedSyncIsTheLastUntilTheLogIsOpenedAgain(t *testing.T) {
	seeds(t, 200, func(t *testing.T, seed uint64) {
		l := live(t, seed)
		l.open()
		for range 30 {
			l.must(l.step())
		}
		fault, err := vdisk.ParseFault([]string{"sync eio", "write eio"}[seed%2])
		l.must(err)
		end, err := l.disk.Fault(fault)
		l.must(err)
		for err = nil; err == nil; {
			err = l.step()
		}
		end()
		if again := errors.Join(l.log.Append(wal.State{Term: 99}, nil)); again == nil || !errors.Is(again, err) {
			t.Fatalf("after %v, Append says %v", err, again)
		}
		if again := l.log.Sync(); again != err {
			t.Fatalf("after %v, Sync says %v", err, again)
		}
		if seed%4 < 2 {
			l.disk.Crash(vdisk.Crash{})
		}
		l.back()
		l.disk.Crash(vdisk.Crash{Lose: true}) // the kernel took for stored what was not
		l.back()
		l.must(l.log.Close())
	})
}

func TestAFullDiskTakesNothingAndForgetsNothing(t *testing.T) {
	seeds(t, 100, func(t *testing.T, seed uint64) {
		l := live(t, seed)
		l.open()
		for range 20 {
			l.must(l.step())
		}
		l.must(l.sync())
		fault, err := vdisk.ParseFault("allocate enospc")
		l.must(err)
		end, err := l.disk.Fault(fault)
		l.must(err)
		for err = nil; err == nil; {
			last := l.log.Last()
			es := []wal.Entry{{Index: last + 1, Term: l.term, Data: data(t, last+1, l.term, 100)}}
			if err = l.log.Append(wal.State{}, es); err == nil {
				l.model.appending(wal.State{}, es)
			}
		}
		if !errors.Is(err, wal.ErrFull) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("a full disk: %v", err)
		}
		l.must(l.model.check(l.log), l.sync())
		end()
		l.must(l.append(l.log.Last()+1, 100, 200, 300), l.sync())
		l.disk.Crash(vdisk.Crash{Lose: true})
		l.back()
		l.must(l.log.Close())
	})
}

func TestALyingSyncOrDecayIsFoundOrHasLostOnlyTheEnd(t *testing.T) {
	found := 0
	seeds(t, 300, func(t *testing.T, seed uint64) {
		l := live(t, seed)
		l.open()
		for range 30 {
			l.must(l.step())
		}
		fault, err := vdisk.ParseFault("sync lie")
		l.must(err)
		end, err := l.disk.Fault(fault)
		l.must(err)
		for range 10 {
			l.must(l.step())
		}
		end()
		l.disk.Crash(vdisk.Crash{})
		if err := sound(l); err != nil {
			if _, ok := errors.AsType[*wal.Corrupt](err); !ok {
				t.Fatal(err)
			}
			found++
		}
	})
	t.Logf("found in %d", found)
}

func TestDecayIsFoundAndNeverCutOff(t *testing.T) {
	seeds(t, 300, func(t *testing.T, seed uint64) {
		l := live(t, seed)
		l.open()
		for range 30 {
			l.must(l.step())
		}
		l.must(l.sync())
		l.disk.Crash(vdisk.Crash{Lose: true})
		fault, err := vdisk.ParseFault("flip")
		l.must(err)
		_, err = l.disk.Fault(fault)
		l.must(err)
		if err := sound(l); err != nil {
			if _, ok := errors.AsType[*wal.Corrupt](err); !ok {
				t.Fatal(err)
			}
			return
		}
		l.back() // it hit what nobody needs
	})
}

// sound opens a log, and says what is wrong with it besides that its end may be missing.
func sound(l *life) error {
	l.log.Close()
	c := l.c
	c.FS = l.disk.Mount()
	log, err := wal.Open(c)
	if err != nil {
		return err
	}
	defer log.Close()
	for i := log.First(); i <= log.Last(); i++ {
		es, err := log.Entries(i, i+1, 1)
		if err != nil {
			return err
		}
		if !l.model.ever[string(es[0].Data)] {
			return fmt.Errorf("entry %d is %+v, which nobody appended", i, es[0])
		}
	}
	return nil
}
