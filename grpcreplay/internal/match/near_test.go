// What resembles a call that nothing answers.

package match_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/match"
)

func TestTheNearestCallsAreFound(t *testing.T) {
	calls := []string{
		"k=1 >the-first-message > !0", "k=1 >the-second-message > !0", "k=1 >the-second-message >more > !0",
		"k=2 >the-second-message > !0", "k=1 >something-else ~", "/s/Move >a", "/u/Other >a",
	}
	for _, c := range []struct {
		name, open string
		used       string // a live call that went before
		want       string
	}{
		{"a message that differs a little", "k=1 >the-secund-message >", "", "1 2 0"},
		{"a call that is spent", "k=1 >the-first-message >", "k=1 >the-first-message >", "0* 1 2"},
		{"a key that must be equal", "k=3 >the-second-message >", "", "1[k] 3[k] 2[k]"},
		{"a second message that differs", "k=1 >the-second-message >mere >", "", "2 1 0"},
		{"a method that only sounds alike", "/s/Mope k=1 >a", "", "5/s/Move 0/s/M"},
		{"a method like none", "/a.much.longer.name/X", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			deck := match.New(tapeOf(calls...), match.Options{Metadata: []string{"k"}}).Deck()
			if c.used != "" {
				live := call(c.used)
				x := deck.Open(live.Method, live.Pairs)
				x.Send(live.Events[0].Message)
				x.CloseSend()
				x.Next(false)
			}
			live := call(c.open)
			var sent [][]byte
			for _, e := range live.Events {
				if len(e.Message) > 0 {
					sent = append(sent, e.Message)
				}
			}
			closed := strings.HasSuffix(c.open, " >")
			if got := showNear(live.Method, deck.Nearest(live.Method, live.Pairs, sent, closed)); got != c.want {
				t.Errorf("nearest are %q, want %q", got, c.want)
			}
		})
	}
}

// showNear writes a "*" behind what is used, and the keys that differ.
func showNear(method string, near []match.Near) string {
	var words []string
	for _, n := range near {
		w := fmt.Sprint(n.Call)
		if n.Used {
			w += "*"
		}
		if len(n.Keys) > 0 {
			w += fmt.Sprint(n.Keys)
		}
		if n.Method != method {
			w += n.Method
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// TestACallOfMuchMetadataIsFoundByIt has more different sets of metadata than
// are compared: an equal one is found all the same.
func TestACallOfMuchMetadataIsFoundByIt(t *testing.T) {
	var lines []string
	for i := range 300 {
		lines = append(lines, fmt.Sprintf("unary tenant=%d >a > <%d !0", i, i))
	}
	ix := match.New(tapeOf(lines...), match.Options{})
	deck := ix.Deck()
	order := make([]int, 300)
	for i := range order {
		order[i] = i * 7 % 300
	}
	for _, i := range order {
		x := deck.Open("/s/M", call(fmt.Sprintf("tenant=%d", i)).Pairs)
		x.Send([]byte("a"))
		x.CloseSend()
		if got, want := show(x.Next(false)), fmt.Sprintf("%d:<%d", i, i); got != want {
			t.Fatalf("tenant %d is answered %s, want %s", i, got, want)
		}
	}
	if left := deck.Left(); len(left) != 300 || slices.ContainsFunc(left, func(l match.Left) bool { return !l.Used }) {
		t.Errorf("%d are left over or under way, want 300 under way", len(left))
	}
}
