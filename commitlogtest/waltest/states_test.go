// Every state in which a crash can leave a short log.

package waltest_test

import (
	"bytes"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/rehearse-go/rehearse/commitlog/wal"
	"github.com/rehearse-go/rehearse/vdisk"
)

// stories are short lives of a log.
var stories = map[string]func(s *story){
	"one by one": func(s *story) {
		for i := uint64(1); i <= 8; i++ {
			s.must(s.append(i, 40), s.sync())
		}
	},
	"in batches across sectors": func(s *story) {
		s.must(s.append(1, 300, 10, 700, 20), s.sync())
		s.must(s.append(5, 10, 10, 600, 10, 10), s.sync())
	},
	"many appends to one sync": func(s *story) {
		s.must(s.append(1, 10), s.append(2, 100), s.append(3, 200), s.append(4, 10), s.sync())
		s.must(s.append(5, 400), s.append(6, 10, 10), s.sync())
	},
	"values of nothing but zeros": func(s *story) {
		s.must(s.append(1, 1300), s.sync(), s.append(2, 1500, 700), s.sync())
	},
	"through three segments": func(s *story) {
		for i := uint64(1); i <= 12; i++ {
			s.must(s.append(i, 150), s.sync())
		}
	},
	"a suffix is replaced": func(s *story) {
		s.must(s.append(1, 30, 40, 50, 60), s.sync(), s.append(5, 100))
		s.term = 2
		s.must(s.append(3, 70, 30, 20), s.sync())
		s.term = 3
		s.must(s.append(5, 10), s.sync())
	},
	"segments are replaced": func(s *story) {
		for i := uint64(1); i <= 12; i++ {
			s.must(s.append(i, 150), s.sync())
		}
		s.term = 2
		s.must(s.append(4, 20), s.append(5, 500), s.sync())
	},
	"closed and opened": func(s *story) {
		s.must(s.append(1, 30, 40), s.sync(), s.log.Mark(), s.append(3, 400), s.sync(), s.log.Close())
		s.open()
		s.must(s.append(4, 500), s.append(5, 300), s.sync(), s.log.Close())
		s.open()
		s.must(s.append(6, 10), s.sync())
	},
	"trimmed": func(s *story) {
		for i := uint64(1); i <= 16; i++ {
			s.must(s.append(i, 150), s.sync())
		}
		s.model.mu.Lock()
		s.model.last().first = 14
		s.model.mu.Unlock()
		s.must(s.log.Trim(14))
	},
	"installed": func(s *story) {
		leader := begin(s.t, s.c, vdisk.Config{})
		leader.c.Rolled = nil
		leader.open()
		defer leader.log.Close()
		for i := uint64(1); i <= 14; i++ {
			leader.must(leader.append(i, 150), leader.sync())
		}
		for i := uint64(1); i <= 5; i++ {
			s.must(s.append(i, 150), s.sync())
		}
		s.term = 2
		s.must(s.append(6, 40), s.sync())
		through, _, _ := leader.log.Sealed(12)
		x, err := leader.log.Export(5, through)
		s.must(err)
		var b bytes.Buffer
		_, err = x.WriteTo(&b)
		s.must(err)
		staged, err := s.log.Import(&b)
		s.must(err)
		s.model.mu.Lock()
		entries := leader.model.last().entries[:through]
		s.model.lines = append(s.model.lines, line{entries: entries, durable: len(entries), first: 1})
		s.model.mu.Unlock()
		s.must(s.log.Install(staged))
		s.model.synced()
	},
}

// limit is how many states of a disk are looked at, at most, before each sync.
const limit = 1500

func TestEverythingSyncedIsThereInEveryStateThatACrashCanLeave(t *testing.T) {
	for name, tell := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := begin(t, wal.Config{SegmentSize: 1024}, vdisk.Config{})
			var states, opened atomic.Int64
			check := func() {
				opened.Add(1)
				for state, err := range s.disk.States(limit) {
					if err != nil {
						if !errors.Is(err, vdisk.ErrMoreStates) {
							t.Error(err)
						}
						t.Errorf("more than %d states", limit)
						return
					}
					states.Add(1)
					if err := s.model.survives(s.c, state, true); err != nil {
						t.Errorf("%v\nlost: %q", err, state.Losses())
						return
					}
				}
			}
			s.fs.before = check
			s.open()
			tell(s)
			s.must(s.log.Close())
			check()
			t.Logf("%d states before %d syncs", states.Load(), opened.Load())
		})
	}
}
