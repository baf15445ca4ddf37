// Random recordings, made again: all must be answered by what they were.

package match_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// randomCall is a bidirectional call of few messages. Some are not
// half-closed, some are in flight.
func randomCall(r *rand.Rand) string {
	var words []string
	for r.IntN(4) > 0 && len(words) < 6 {
		words = append(words, []string{">a", ">a", ">b", "<x", "<y", "<x"}[r.IntN(6)])
	}
	if r.IntN(4) > 0 {
		words = append(words, ">")
	}
	if r.IntN(3) > 0 {
		words = append(words, "<x")
	}
	if r.IntN(5) > 0 {
		words = append(words, []string{"!0", "!1"}[r.IntN(2)])
	}
	return strings.Join(words, " ")
}

func isClient(w string) bool { return w[0] == '>' || w == "~" }

// serverWords are the server's part of a call.
func serverWords(line string) (words []string) {
	for _, w := range strings.Fields(line) {
		if !isClient(w) {
			words = append(words, w)
		}
	}
	return words
}

// clientPath is the client's part of a call; a call that is not half-closed
// has a "|" behind it, and one that its server ended then another.
func clientPath(line string) (words []string) {
	half, ended := false, false
	for _, w := range strings.Fields(line) {
		if w == "~" {
			break
		}
		half, ended = half || w == ">", ended || w[0] == '!'
		if isClient(w) {
			words = append(words, w)
		}
	}
	if !half {
		words = append(words, "|")
		if ended {
			words = append(words, "|")
		}
	}
	return words
}

// TestWhatWasRecordedFindsItsMatch makes the recorded calls again, all at
// once, interleaved at random and without a client that waits for answers.
// Each must be answered, wholly, by a call whose client did the same.
func TestWhatWasRecordedFindsItsMatch(t *testing.T) {
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 0))
		lines := make([]string, 1+r.IntN(7))
		for i := range lines {
			lines[i] = randomCall(r)
		}
		if again := replayed(r, lines); again != "" {
			t.Fatalf("seed %d: %s, of\n%s", seed, again, strings.Join(lines, "\n"))
		}
	}
}

// An actor makes one recorded call again.
type actor struct {
	talk *match.Talk
	does []string // what is left to do
	path []string
	got  []string
}

func replayed(r *rand.Rand, lines []string) string {
	deck := match.New(tapeOf(lines...), match.Options{}).Deck()
	marked := map[tape.Ref]bool{}
	var actors []*actor
	for _, line := range lines {
		path := clientPath(line)
		does := slices.DeleteFunc(slices.Clone(path), func(w string) bool { return w == "|" })
		actors = append(actors, &actor{does: does, path: path})
	}
	for busy := true; busy; {
		busy = false
		for _, i := range r.Perm(len(actors)) {
			a := actors[i]
			if !a.step(r, deck) {
				return fmt.Sprintf("actor %d: %s is a miss", i, a.does[0])
			}
			a.mark(marked)
			busy = busy || len(a.does) > 0
		}
	}
	if wrong := allTold(actors, lines, deck); wrong != "" {
		return wrong
	}
	for _, a := range actors {
		a.mark(marked)
	}
	return allMarked(marked, lines)
}

// step does or takes something; it is false if what it does is a miss.
func (a *actor) step(r *rand.Rand, deck *match.Deck) bool {
	switch {
	case a.talk == nil:
		a.talk = deck.Open("/s/M", nil)
	case len(a.does) > 0 && r.IntN(2) > 0:
		if act(a.talk, a.does[0]) != "" {
			return false
		}
		a.does = a.does[1:]
	default:
		a.take(false)
	}
	return true
}

func (a *actor) mark(marked map[tape.Ref]bool) {
	for _, ref := range a.talk.Marks() {
		marked[ref] = true
	}
}

// allMarked tells which mark is missing, or should not be there.
func allMarked(marked map[tape.Ref]bool, lines []string) string {
	want := 0
	for c, line := range lines {
		for n := range realPath(clientPath(line)) {
			want++
			if !marked[tape.Ref{Call: c, Nth: n + 1}] {
				return fmt.Sprintf("event %d of the client of call %d is not marked", n+1, c)
			}
		}
	}
	if len(marked) != want {
		return fmt.Sprintf("%d events are marked, of %d", len(marked), want)
	}
	return ""
}

// take takes one event, if there is one.
func (a *actor) take(rested bool) bool {
	turn := a.talk.Next(rested)
	if turn.State != match.Ready {
		return false
	}
	_, word, _ := strings.Cut(show(turn), ":")
	a.got = append(a.got, word)
	a.talk.Take()
	return true
}

// allTold lets the program rest, and looks at what came of it.
func allTold(actors []*actor, lines []string, deck *match.Deck) string {
	seen := map[int]bool{}
	for i, a := range actors {
		for a.take(true) {
		}
		a.talk.End()
		call, decided := a.talk.Call()
		if !decided {
			return fmt.Sprintf("actor %d was answered by none", i)
		}
		if seen[call] || !slices.Equal(realPath(a.path), realPath(clientPath(lines[call]))) {
			return fmt.Sprintf("actor %d, who did %v, was answered by call %d", i, a.path, call)
		}
		seen[call] = true
		if want := serverWords(lines[call]); !slices.Equal(a.got, want) {
			return fmt.Sprintf("actor %d got %v of call %d", i, a.got, call)
		}
	}
	if left := deck.Left(); len(left) > 0 {
		return fmt.Sprintf("%v is left over", showLeft(left))
	}
	return ""
}

func realPath(path []string) []string {
	return slices.DeleteFunc(slices.Clone(path), func(w string) bool { return w == "|" })
}
