// A short way of writing tapes, live calls, and what is to come of them.

package match_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// call makes a call of "/s/M" from words: ">a" is a message of the client, ">"
// its half-close, "<h" the header, "<x" a message of the server, "!3" the end
// with code 3, "~" the client's end. The word "k=v" is metadata; "/t/N"
// another method, "unary" the shape.
func call(words string) *tape.Call {
	c := &tape.Call{Method: "/s/M", Shape: tape.Bidi}
	for _, w := range strings.Fields(words) {
		key, value, pair := strings.Cut(w, "=")
		switch {
		case pair:
			c.Pairs = append(c.Pairs, tape.Pair{Key: key, Value: value})
		case w[0] == '/':
			c.Method = w
		case w == "unary":
			c.Shape = tape.Unary
		default:
			c.Events = append(c.Events, event(w))
		}
	}
	return c
}

func event(w string) tape.Event {
	switch {
	case w == ">":
		return tape.Event{Kind: tape.CloseSend}
	case w == "~":
		return tape.Event{Kind: tape.Cancel}
	case w == "<h":
		return tape.Event{Kind: tape.Header, Pairs: []tape.Pair{{Key: "h", Value: "1"}}}
	case w[0] == '>':
		return tape.Event{Kind: tape.Send, Message: []byte(w[1:])}
	case w[0] == '<':
		return tape.Event{Kind: tape.Recv, Message: []byte(w[1:])}
	}
	return tape.Event{Kind: tape.End, Status: tape.Status{Code: uint32(w[1] - '0')}}
}

// tapeOf makes a tape of calls, a line each.
func tapeOf(lines ...string) *tape.Tape {
	t := &tape.Tape{}
	for _, line := range lines {
		t.Add(call(line))
	}
	return t
}

// show writes a turn as call makes it: "1:<x" is event x of call 1.
func show(turn match.Turn) string {
	switch turn.State {
	case match.Client:
		return "client"
	case match.Undecided:
		return "undecided"
	case match.Silent:
		return "silent"
	}
	e := turn.Event
	switch e.Kind {
	case tape.Header:
		return fmt.Sprintf("%d:<h", turn.Call)
	case tape.Recv:
		return fmt.Sprintf("%d:<%s", turn.Call, e.Message)
	}
	return fmt.Sprintf("%d:!%d", turn.Call, e.Status.Code)
}

// A stage is a deck and the live calls on it, by name.
type stage struct {
	deck  *match.Deck
	talks map[string]*match.Talk
}

// do plays one line of a story, "NAME WORD...", and returns what comes of it.
// The words: "open" with metadata and a method; ">a" and ">" as in call, "~"
// for the end of the live call; "next" and "rested" ask, "take" asks and
// takes; "over", "call", "marks", "end" ask as well. "left" alone is the deck's.
func (s *stage) do(line string) string {
	words := strings.Fields(line)
	if words[0] == "left" {
		return showLeft(s.deck.Left())
	}
	if words[1] == "open" {
		c := call(strings.Join(words[2:], " "))
		s.talks[words[0]] = s.deck.Open(c.Method, c.Pairs)
		return answer(s.talks[words[0]].Fits())
	}
	t := s.talks[words[0]]
	var out []string
	for _, w := range words[1:] {
		if o := act(t, w); o != "" {
			out = append(out, o)
		}
	}
	return strings.Join(out, " ")
}

func act(t *match.Talk, w string) string {
	switch {
	case w == ">":
		return answer(t.CloseSend())
	case w[0] == '>':
		return answer(t.Send([]byte(w[1:])))
	case w == "~":
		t.End()
		return ""
	case w == "over":
		return fmt.Sprint(t.Over())
	case w == "call":
		if n, decided := t.Call(); decided {
			return fmt.Sprint(n)
		}
		return "none"
	case w == "marks":
		return fmt.Sprint(t.Marks())
	case w == "end":
		turn := t.Next(false)
		return show(turn) + " " + show(match.Turn{Call: turn.Call, Event: turn.Event})
	case w == "take":
		turn := t.Next(false)
		if turn.State == match.Ready {
			t.Take()
		}
		return show(turn)
	}
	return show(t.Next(w == "rested"))
}

// answer is empty if all is well.
func answer(fits bool) string {
	if fits {
		return ""
	}
	return "miss"
}

func showLeft(left []match.Left) string {
	var out []string
	for _, l := range left {
		word := fmt.Sprint(l.Call)
		if l.Used {
			word += fmt.Sprintf("(%d/%d,%d/%d)", l.Seen, l.Sent, l.Delivered, l.Of)
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

// A story is a tape, and lines "what is done -> what comes of it".
type story struct {
	name    string
	calls   []string
	opts    match.Options
	lenient bool
	lines   []string
}

func (s story) play(t *testing.T) {
	tp := tapeOf(s.calls...)
	tp.Head.Lenient = s.lenient
	st := &stage{match.New(tp, s.opts).Deck(), map[string]*match.Talk{}}
	for _, line := range s.lines {
		does, want, _ := strings.Cut(line, "->")
		if got, want := st.do(does), strings.TrimSpace(want); got != want {
			t.Errorf("%s: got %q, want %q", strings.TrimSpace(does), got, want)
		}
	}
}
