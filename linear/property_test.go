// Properties: a register that is right passes, and one that is stale does not always.

package linear_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rehearse-go/rehearse/history"
	"github.com/rehearse-go/rehearse/linear"
)

// A simulation is a register and its clients. Each operation is called, takes
// effect, and returns, in three steps between which others come.
type simulation struct {
	rng   *rand.Rand
	h     linear.RegisterHistory
	value []string // by key, what was written so far
	stale int      // of so many reads one returns what was there before; 0 for none
	count int
	busy  map[int]*underWay
}

type underWay struct {
	call  *history.Call[linear.RegisterOp, linear.RegisterResult]
	op    linear.RegisterOp
	out   linear.RegisterResult
	acted bool
}

func simulate(seed uint64, stale, steps int) *linear.RegisterHistory {
	s := &simulation{
		rng: rand.New(rand.NewPCG(seed, 7)), value: []string{""}, stale: stale, busy: map[int]*underWay{},
	}
	for range steps {
		client := s.rng.IntN(4)
		switch u := s.busy[client]; {
		case u == nil:
			s.busy[client] = s.begin(client)
		case !u.acted:
			s.act(u)
		default:
			s.end(u)
			delete(s.busy, client)
		}
	}
	return &s.h
}

func (s *simulation) last() string { return s.value[len(s.value)-1] }

func (s *simulation) begin(client int) *underWay {
	s.count++
	op := linear.Read("x")
	switch s.rng.IntN(4) {
	case 0:
		op = linear.Write("x", fmt.Sprint(s.count))
	case 1:
		op = linear.Swap("x", s.last(), fmt.Sprint(s.count))
	}
	return &underWay{call: s.h.Call(fmt.Sprint("c", client), op), op: op}
}

func (s *simulation) act(u *underWay) {
	u.acted = true
	switch {
	case u.op.Kind == linear.RegisterRead:
		u.out.Value = s.last()
		if n := len(s.value); s.stale > 0 && n > 1 && s.rng.IntN(s.stale) == 0 {
			u.out.Value = s.value[n-2]
		}
	case u.op.Kind == linear.RegisterSwap && u.op.Old != s.last():
	default:
		u.out.Swapped = u.op.Kind == linear.RegisterSwap
		s.value = append(s.value, u.op.Value)
	}
}

func (s *simulation) end(u *underWay) {
	if s.rng.IntN(8) == 0 {
		u.call.Unknown()
		return
	}
	u.call.Return(u.out)
}

func TestARightRegisterPasses(t *testing.T) {
	for seed := range uint64(200) {
		if err := linear.Check(simulate(seed, 0, 30+int(seed)), linear.Register(), linear.Limits{}).Err(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func TestARegisterWithStaleReadsIsFoundOut(t *testing.T) {
	found := 0
	for seed := range uint64(200) {
		r := linear.Check(simulate(seed, 8, 150), linear.Register(), linear.Limits{})
		if r.Verdict == linear.Undecided {
			t.Fatalf("seed %d: %v", seed, r.Err())
		}
		if r.Verdict == linear.Violation {
			found++
		}
	}
	t.Logf("found out in %d of 200 histories", found)
	if found < 100 {
		t.Errorf("found out in %d of 200 histories only", found)
	}
}

// The near-linear check and the search judge the same logs.
func TestBothJudgesOfALogAgree(t *testing.T) {
	agreed := map[linear.Verdict]int{}
	for seed := range uint64(200) {
		log := simulateLog(seed, int(seed%4)*3)
		searched := linear.Check(&log.History, linear.Log(), linear.Limits{})
		checked := log.Check(history.LogConfig{})
		if searched.Verdict == linear.Undecided || (searched.Err() == nil) != (checked.Err() == nil) {
			t.Fatalf("seed %d: searched: %v\nchecked: %v", seed, searched.Err(), checked.Err())
		}
		agreed[searched.Verdict]++
	}
	t.Logf("%d can be, %d cannot", agreed[linear.Linearizable], agreed[linear.Violation])
	if agreed[linear.Linearizable] < 50 || agreed[linear.Violation] < 50 {
		t.Errorf("too few of one sort: %v", agreed)
	}
}

// simulateLog lets two clients produce at once and a third read between, one
// in stale reads missing the last record.
func simulateLog(seed uint64, stale int) *history.Log {
	rng := rand.New(rand.NewPCG(seed, 9))
	var log history.Log
	var records []history.Record
	write := func() (value string, offset int64) {
		offset = int64(len(records))
		value = fmt.Sprint("v", offset)
		records = append(records, history.Record{Offset: offset, Value: value})
		return value, offset
	}
	for i := range 15 {
		value, offset := write()
		a := log.Produce("a", value)
		value, second := write()
		b := log.Produce("b", value)
		b.Return(history.At(second))
		a.Return(history.At(offset))
		end := len(records)
		if stale > 0 && rng.IntN(stale) == 0 {
			end--
		}
		from := rng.IntN(len(records) + 1)
		read := log.LinearizableRead(fmt.Sprint("reader ", i), int64(from)) // where it likes: a session of its own
		read.Return(history.Records(records[min(from, end):end]...))
	}
	return &log
}
