// Every step of random live calls, held against a model that tries everything.

package match_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
)

// A model says what is right by trying everything.
type model struct {
	lines []string
	paths [][]string
	deck  *match.Deck
	talks []*modelTalk
}

type modelTalk struct {
	*match.Talk
	path   []string
	closed bool
	got    int  // how many events were delivered
	common int  // how many of them before it was decided
	call   int  // the call decided for, or -1
	over   bool // it is no more
}

func (t *modelTalk) undecided() bool { return !t.over && t.call < 0 }

// note takes over what was decided.
func (t *modelTalk) note() {
	call, decided := t.Call()
	if !decided {
		call = -1
	}
	if call >= 0 && t.call < 0 {
		t.common = t.got
	}
	t.call = call
}

func (m *model) used(call int) bool {
	return slices.ContainsFunc(m.talks, func(t *modelTalk) bool { return t.call == call })
}

func begins(path, with []string) bool {
	return len(path) >= len(with) && slices.Equal(path[:len(with)], with)
}

// feasible tells whether the undecided talks can all have calls of their own,
// one talk being on a path, and, if only is not -1, having that call.
func (m *model) feasible(one *modelTalk, path []string, only int) bool {
	taken := make([]bool, len(m.lines))
	for c := range taken {
		taken[c] = m.used(c)
	}
	return m.place(m.talks, taken, func(t *modelTalk, c int) bool {
		if t == one {
			return begins(m.paths[c], path) && (only < 0 || only == c)
		}
		return begins(m.paths[c], t.path)
	})
}

// place tells whether all talks find calls that are not taken and fit.
func (m *model) place(talks []*modelTalk, taken []bool, fits func(*modelTalk, int) bool) bool {
	if len(talks) == 0 {
		return true
	}
	if !talks[0].undecided() {
		return m.place(talks[1:], taken, fits)
	}
	for c := range taken {
		if taken[c] || !fits(talks[0], c) {
			continue
		}
		taken[c] = true
		found := m.place(talks[1:], taken, fits)
		taken[c] = false
		if found {
			return true
		}
	}
	return false
}

// next is the word that a call's server says next to a talk, "" if it waits
// for the client, "-" if it has nothing more to say.
func (m *model) next(t *modelTalk, c int) string {
	client, server := 0, 0
	for _, w := range strings.Fields(m.lines[c]) {
		if isClient(w) {
			client++
			continue
		}
		if server++; server > t.got {
			if client <= len(t.path) {
				return w
			}
			return ""
		}
	}
	if client <= len(t.path) {
		return "-"
	}
	return ""
}

// revocable tells whether a decision can be taken back.
func (m *model) revocable(t *modelTalk) bool {
	return t.call >= 0 && t.got == t.common && !slices.ContainsFunc(m.talks, func(other *modelTalk) bool {
		return other.undecided() && other.got > 0 && begins(m.paths[t.call], other.path)
	})
}

// ways are the paths on which a word may lead, best first.
func ways(path []string, w string) [][]string {
	late := len(path) > 1 && path[len(path)-2] == "|"
	switch {
	case late:
		return [][]string{path}
	case w == ">":
		return [][]string{append(slices.Clip(path), ">"), append(slices.Clip(path), "|")}
	}
	return [][]string{append(slices.Clip(path), w), append(slices.Clip(path), "|", "|")}
}

// act lets the client do something.
func (m *model) act(t *modelTalk, w string) string {
	t.closed = w == ">"
	call, path := t.call, []string(nil)
	for _, way := range ways(t.path, w) {
		if path == nil && call >= 0 && begins(m.paths[call], way) {
			path = way
		}
	}
	if path == nil && m.revocable(t) {
		call, t.call = -1, -1
	}
	for _, way := range ways(t.path, w) {
		if path == nil && call < 0 && m.feasible(t, way, -1) {
			path = way
		}
	}
	fits := act(t.Talk, w) == ""
	if fits != (path != nil) {
		return fmt.Sprintf("it fits: %v", fits)
	}
	t.over = !fits
	t.path = path
	before := call
	if t.note(); t.call != before {
		return fmt.Sprintf("it is decided for %d, want %d", t.call, before)
	}
	return ""
}

// ask asks what the server does, and takes it.
func (m *model) ask(t *modelTalk, rested bool) string {
	was := t.call
	turn := t.Next(rested)
	word := map[match.State]string{match.Client: "", match.Undecided: "?", match.Silent: "-"}[turn.State]
	if turn.State == match.Ready {
		_, word, _ = strings.Cut(show(turn), ":")
	}
	now, _ := t.Call()
	wrong := m.judge(t, word, rested)
	if was < 0 && now >= 0 && !t.over {
		wrong = m.judgeChoice(t, now, rested)
		if want := m.next(t, now); wrong == "" && word != want {
			wrong = fmt.Sprintf("call %d says %q, want %q", now, word, want)
		}
	}
	t.note()
	if turn.State == match.Ready {
		t.Take()
		t.got++
	}
	return wrong
}

// judge looks at a word that comes without a decision.
func (m *model) judge(t *modelTalk, word string, rested bool) string {
	if t.call >= 0 {
		if want := m.next(t, t.call); word != want {
			return fmt.Sprintf("it says %q, want %q", word, want)
		}
		return ""
	}
	free, feasible := m.candidates(t)
	all := m.words(t, free)
	switch {
	case len(all) == 1 && (all[0] == word || all[0] == "-" && word == ""):
		return ""
	case slices.Equal(all, []string{"", "-"}) && word == "":
		return ""
	case word == "?" && len(all) > 1 && len(feasible) > 1 && !rested:
		return ""
	case word == "" && len(feasible) == 1 && m.next(t, feasible[0]) == "":
		return ""
	case word == "" && rested && !slices.ContainsFunc(m.words(t, feasible), says):
		return ""
	}
	return fmt.Sprintf("it says %q, and its candidates say %q", word, all)
}

func says(word string) bool { return word != "" && word != "-" }

// words are the different words of calls, sorted.
func (m *model) words(t *modelTalk, calls []int) (words []string) {
	for _, c := range calls {
		words = append(words, m.next(t, c))
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// candidates are the free calls that go on as the talk did, and those of them
// that leave enough to others.
func (m *model) candidates(t *modelTalk) (free, feasible []int) {
	for c := range m.lines {
		if m.used(c) || !begins(m.paths[c], t.path) {
			continue
		}
		free = append(free, c)
		if m.feasible(t, t.path, c) {
			feasible = append(feasible, c)
		}
	}
	return free, feasible
}

// judgeChoice looks at a decision.
func (m *model) judgeChoice(t *modelTalk, call int, rested bool) string {
	free, feasible := m.candidates(t)
	tie := !slices.ContainsFunc(free, func(c int) bool {
		return !slices.Equal(realPath(m.paths[c]), realPath(m.paths[free[0]]))
	})
	switch {
	case !slices.Contains(feasible, call):
		return fmt.Sprintf("call %d is not for it; %v are", call, feasible)
	case len(feasible) == 1 || tie && call == feasible[0]:
		return ""
	case !rested:
		return fmt.Sprintf("call %d is decided for among %v", call, feasible)
	case slices.ContainsFunc(feasible, func(c int) bool { return c < call && says(m.next(t, c)) }):
		return fmt.Sprintf("call %d is decided for before another of %v", call, feasible)
	}
	return ""
}

// end ends a talk.
func (m *model) end(t *modelTalk) string {
	if t.call >= 0 && m.next(t, t.call) != "-" && m.revocable(t) {
		t.call = -1
	}
	want := t.call
	if t.call < 0 {
		_, feasible := m.candidates(t)
		done := func(c int) bool {
			return m.next(t, c) == "-" && slices.Equal(realPath(m.paths[c]), realPath(t.path))
		}
		if i := slices.IndexFunc(feasible, done); i >= 0 {
			want = feasible[i]
		}
	}
	t.End()
	t.over = true
	if t.note(); t.call != want {
		return fmt.Sprintf("call %d is used, want %d", t.call, want)
	}
	return ""
}

func (m *model) open() string {
	t := &modelTalk{call: -1}
	m.talks = append(m.talks, t)
	want := m.feasible(t, nil, -1)
	t.Talk = m.deck.Open("/s/M", nil)
	t.over = !want
	if t.Fits() != want {
		return fmt.Sprintf("it fits: %v", !want)
	}
	return ""
}

// step does something at random, and tells what, and what is wrong about it.
func (m *model) step(r *rand.Rand) (did, wrong string) {
	if len(m.talks) == 0 || r.IntN(5) == 0 && len(m.talks) < 8 {
		return "open", m.open()
	}
	i := r.IntN(len(m.talks))
	t := m.talks[i]
	if t.over {
		return "nothing", ""
	}
	switch n := r.IntN(20); {
	case n < 8 && !t.closed:
		w := []string{">a", ">a", ">b", ">"}[r.IntN(4)]
		return fmt.Sprint(i, " ", w), m.act(t, w)
	case n == 8:
		return fmt.Sprint(i, " ends"), m.end(t)
	case n < 11:
		return fmt.Sprint(i, " rested"), m.ask(t, true)
	}
	return fmt.Sprint(i, " next"), m.ask(t, false)
}

func TestEveryStepIsRight(t *testing.T) {
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := &model{}
		for range 1 + r.IntN(6) {
			m.lines = append(m.lines, randomCall(r))
			m.paths = append(m.paths, clientPath(m.lines[len(m.lines)-1]))
		}
		m.deck = match.New(tapeOf(m.lines...), match.Options{}).Deck()
		var told []string
		for range 50 {
			did, wrong := m.step(r)
			told = append(told, did)
			if wrong != "" {
				t.Fatalf("seed %d: %s\n%s\nof\n%s", seed, wrong, strings.Join(told, "\n"), strings.Join(m.lines, "\n"))
			}
		}
	}
}
