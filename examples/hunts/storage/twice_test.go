// Two crashes: what the first has left behind the end is in the way of what is written over it.

package storage_test

import (
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/vdisk"
)

// twice lets a crash fall into the writing of one batch, and from each state
// that it leaves, another into the writing of a shorter one.
func twice(t *testing.T, s subject, before, torn, next []string) *bag {
	t.Helper()
	found, states := newBag(), 0
	for _, d := range s.torn(t, vdisk.New(s.disk), before, torn) {
		got, f := s.holds(d, promise{words: append(before, torn...), kept: make([]bool, len(before)+len(torn))})
		if found.put(f, "after the first crash"); f != nil {
			continue
		}
		p := promised(got...)
		p.ask(next...)
		for _, d := range s.torn(t, d, nil, next) {
			states++
			found.put(s.check(d, p), "after the second crash, with %s", brief(got))
		}
	}
	t.Logf("%s: %d states", s.name, states)
	return found
}

// torn returns the states that a crash leaves that falls into adding words, at
// the first sync.
func (s subject) torn(t *testing.T, d *vdisk.Disk, before, words []string) (states []*vdisk.Disk) {
	t.Helper()
	st, err := s.open(d.Mount())
	if err != nil {
		t.Fatal(err)
	}
	defer st.close()
	if len(before) > 0 && st.add(before...) != nil {
		t.Fatal("the disk is whole, but the store refuses")
	}
	defer d.Rule(func(op vdisk.Op) (v vdisk.Verdict, decided bool) {
		if op.Kind == vdisk.Sync && states == nil {
			for state, err := range d.States(most) {
				if err == nil {
					states = append(states, state)
				}
			}
		}
		return v, false
	})()
	st.add(words...)
	return states
}

// raft-wal checks the last batch's sum unless entries follow it: those were
// only written, it reasons, because the batch had been stored. But they may be
// left over from a batch that an earlier crash tore. When the new batch ends
// just where one of those begins, it is not checked, and a torn entry is read.
func TestATornEntryIsTakenForWholeAfterTwoCrashes(t *testing.T) {
	for _, c := range []struct {
		subject
		size  int // of a word that is torn
		found []string
	}{
		{raftWALOnExt4, 1400, []string{strange, refuses}},
		{levelDBOnExt4, 700, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				before := []string{word('b', 10), word('c', 10), word('d', 10), word('e', 10)}
				torn := []string{word('x', c.size), word('y', c.size)}
				twice(t, c.subject, before, torn, []string{word('z', c.size-8)}).mustBe(t, c.found...)
			})
		})
	}
}

func word(letter byte, size int) string { return strings.Repeat(string(letter), size) }
