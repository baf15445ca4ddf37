// A scenario: a seed and faults, by the name of its subtest.

package clustertest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rehearse-go/rehearse/clustertest/internal/faults"
)

// A scenario is one run of a sweep.
type scenario struct {
	seed uint64
	told []Faults // of each nemesis in turn; if nil, they do what they would
}

const (
	seedPrefix = "seed="
	storms     = ";;" // joins the faults of one nemesis and those of the next; no fault holds a semicolon
)

// String is the scenario's name, a subtest's: "seed=17", or
// "seed=17,2.1s+5s_part_n0;7s+1s_crash_n1".
func (s scenario) String() string {
	name := seedPrefix + strconv.FormatUint(s.seed, 10)
	if s.told == nil {
		return name
	}
	return name + "," + strings.Join(s.names(), storms)
}

// names are those of the lists, at least one; empty lists at the end are left
// out.
func (s scenario) names() (names []string) {
	for i, list := range s.told {
		if i == 0 || slices.ContainsFunc(s.told[i:], func(l Faults) bool { return len(l) > 0 }) {
			names = append(names, faults.ToName(list))
		}
	}
	if names == nil {
		return []string{faults.ToName(nil)}
	}
	return names
}

// words are the faults as text.
func (s scenario) words() string {
	var texts []string
	for _, list := range s.told {
		if len(list) > 0 {
			texts = append(texts, list.String())
		}
	}
	if texts == nil {
		return "none"
	}
	return strings.Join(texts, "; then, of the next nemesis, ")
}

// count is how many faults there are.
func (s scenario) count() (n int) {
	for _, list := range s.told {
		n += len(list)
	}
	return n
}

// conflicts tells what is wrong with the faults.
func (s scenario) conflicts() error {
	for _, list := range s.told {
		if err := faults.Conflicts(list, nil); err != nil {
			return err
		}
	}
	return nil
}

// parseScenario reads a scenario's name.
func parseScenario(name string) (s scenario, err error) {
	seed, lists, told := strings.Cut(strings.TrimPrefix(name, seedPrefix), ",")
	if s.seed, err = strconv.ParseUint(seed, 0, 64); err != nil || s.seed == 0 {
		return s, fmt.Errorf("%q: %q is no seed; a seed's name is %s17, and with faults %s17,2.1s+5s_crash_n0",
			name, seed, seedPrefix, seedPrefix)
	}
	if !told {
		return s, nil
	}
	for list := range strings.SplitSeq(lists, storms) {
		l, err := faults.FromName(list)
		if err != nil {
			return s, fmt.Errorf("%q: %w", name, err)
		}
		s.told = append(s.told, l)
	}
	if err := s.conflicts(); err != nil {
		return s, fmt.Errorf("%q: %w", name, err)
	}
	return s, nil
}

// A blow is one fault of a scenario.
type blow struct {
	storm int // the number of the nemesis, from 0
	fault Fault
}

// blows are all the faults, those of the first nemesis first.
func (s scenario) blows() (all []blow) {
	for i, list := range s.told {
		for _, f := range list {
			all = append(all, blow{i, f})
		}
	}
	return all
}

// with returns the scenario with these faults in the place of its own.
func (s scenario) with(all []blow) scenario {
	s.told = make([]Faults, len(s.told))
	for _, b := range all {
		s.told[b.storm] = append(s.told[b.storm], b.fault)
	}
	return s
}

// simpler are what may stand in a blow's place.
func (b blow) simpler() (list []blow) {
	for _, f := range faults.Simpler(b.fault) {
		list = append(list, blow{b.storm, f})
	}
	return list
}

// A script says what the nemeses of one run do, and notes what they did. A nil
// script says nothing.
type script struct {
	scenario
	did   []Faults
	heard func(did []Faults) // when a nemesis begins; may be nil
}

func newScript(s scenario) *script { return &script{scenario: s} }

// says tells whether the script, not the nemesis, decides.
func (s *script) says() bool { return s != nil && s.told != nil }

// next is what the script says the next nemesis does; beyond what it knows,
// nothing.
func (s *script) next() Faults {
	if n := len(s.did); n < len(s.told) {
		return s.told[n]
	}
	return nil
}

// note notes what the next nemesis does.
func (s *script) note(list Faults) {
	if s == nil {
		return
	}
	s.did = append(s.did, list)
	if s.heard != nil {
		s.heard(slices.Clone(s.did))
	}
}
