// Tests of choosing, comparing and showing events.

package journal_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

// talk returns n events of a small conversation.
func talk(n int) []journal.Event {
	var events []journal.Event
	for i := range n {
		e := journal.Event{Seq: i + 1, At: time.Duration(i) * time.Millisecond, Kind: "net.send", Where: "app",
			Peer: "api", Subject: "app>api:80#0", Body: fmt.Appendf(nil, "message %d", i), Cause: i}
		if i%2 == 1 {
			e.Kind, e.Where, e.Peer = "net.deliver", "api", "app"
		}
		e.Size = len(e.Body)
		events = append(events, e)
	}
	return events
}

// renumber gives events the numbers they would have had.
func renumber(events []journal.Event) []journal.Event {
	for i := range events {
		events[i].Seq, events[i].Cause = i+1, i
	}
	return events
}

func with(events []journal.Event, i int, change func(*journal.Event)) []journal.Event {
	change(&events[i])
	return events
}

func TestSelectYieldsWhatIsWanted(t *testing.T) {
	sends := journal.Select(slices.Values(talk(6)), func(e journal.Event) bool { return e.Kind == "net.send" })
	var got []int
	for e := range sends {
		if got = append(got, e.Seq); len(got) == 2 {
			break
		}
	}
	if !slices.Equal(got, []int{1, 3}) {
		t.Errorf("got %v", got)
	}
}

func TestEveryFieldCountsForEqualityAndAllButTimeAndPayloadForShape(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*journal.Event)
		shape  bool // whether the shape changes too
	}{
		"seq":     {func(e *journal.Event) { e.Seq++ }, true},
		"step":    {func(e *journal.Event) { e.Step++ }, true},
		"at":      {func(e *journal.Event) { e.At++ }, false},
		"kind":    {func(e *journal.Event) { e.Kind += "x" }, true},
		"where":   {func(e *journal.Event) { e.Where += "x" }, true},
		"peer":    {func(e *journal.Event) { e.Peer += "x" }, true},
		"subject": {func(e *journal.Event) { e.Subject += "x" }, true},
		"cause":   {func(e *journal.Event) { e.Cause++ }, true},
		"size":    {func(e *journal.Event) { e.Size++ }, true},
		"body":    {func(e *journal.Event) { e.Body = []byte("message x") }, false},
		"no body": {func(e *journal.Event) { e.Body = nil }, false},
		"notes":   {func(e *journal.Event) { e.Notes = []journal.Note{{Key: "k"}} }, true},
	} {
		want, got := talk(4), with(talk(4), 2, c.change)
		if want[2].Equal(got[2]) || journal.Diff(slices.Values(want), slices.Values(got)) == "" {
			t.Errorf("%s: counted as equal", name)
		}
		shapes := journal.Diff(journal.Shapes(slices.Values(want)), journal.Shapes(slices.Values(got)))
		if (shapes != "") != c.shape {
			t.Errorf("%s: difference of shapes %q", name, shapes)
		}
	}
	if e, o := (journal.Event{}), (journal.Event{Body: []byte{}}); e.Equal(o) {
		t.Error("an empty payload equals one that is not there")
	}
}

func TestDiffOfEqualsIsEmpty(t *testing.T) {
	for _, n := range []int{0, 1, 50} {
		if d := journal.Diff(slices.Values(talk(n)), slices.Values(talk(n))); d != "" {
			t.Errorf("%d events: %s", n, d)
		}
	}
}

func TestDiffSaysWhereTwoRunsPart(t *testing.T) {
	extra := journal.Event{Kind: "net.drop", Where: "app", Peer: "api", Subject: "app>api:80#0", Size: 9}
	for _, c := range []struct {
		name      string
		want, got []journal.Event
		text      string
	}{
		{"changed in place", talk(9), with(talk(9), 4, func(e *journal.Event) { e.Body = []byte("message X") }), `
first difference: event 5, body from byte 8: want "4", got "X"

      2        1ms  net.deliver  api ↔ app       app>api:80#0            9 B  "message 1"  (from 1)
      3        2ms  net.send     app ↔ api       app>api:80#0            9 B  "message 2"  (from 2)
      4        3ms  net.deliver  api ↔ app       app>api:80#0            9 B  "message 3"  (from 3)
-     5        4ms  net.send     app ↔ api       app>api:80#0            9 B  "message 4"  (from 4)
+     5        4ms  net.send     app ↔ api       app>api:80#0            9 B  "message X"  (from 4)
      6        5ms  net.deliver  api ↔ app       app>api:80#0            9 B  "message 5"  (from 5)
      7        6ms  net.send     app ↔ api       app>api:80#0            9 B  "message 6"  (from 6)
      8        7ms  net.deliver  api ↔ app       app>api:80#0            9 B  "message 7"  (from 7)
`},
		{"one more", talk(40), renumber(slices.Insert(talk(40), 2, extra)), `
first difference: at event 3 got has an event that want has not

      1         0s  net.send     app ↔ api       app>api:80#0            9 B  "message 0"
      2        1ms  net.deliver  api ↔ app       app>api:80#0            9 B  "message 1"  (from 1)
+     3         0s  net.drop     app ↔ api       app>api:80#0            9 B  (from 2)
      3        2ms  net.send     app ↔ api       app>api:80#0            9 B  "message 2"  (from 2)
      4        3ms  net.deliver  api ↔ app       app>api:80#0            9 B  "message 3"  (from 3)
      5        4ms  net.send     app ↔ api       app>api:80#0            9 B  "message 4"  (from 4)
`},
		{"one less", talk(4), renumber(slices.Delete(talk(4), 1, 2)), `
first difference: at event 2 got lacks an event that want has

      1         0s  net.send     app ↔ api       app>api:80#0            9 B  "message 0"
-     2        1ms  net.deliver  api ↔ app       app>api:80#0            9 B  "message 1"  (from 1)
      3        2ms  net.send     app ↔ api       app>api:80#0            9 B  "message 2"  (from 2)
      4        3ms  net.deliver  api ↔ app       app>api:80#0            9 B  "message 3"  (from 3)
`},
		{"ends early", talk(3), talk(2), `
first difference: got ends before event 3, want goes on

      1         0s  net.send     app ↔ api       app>api:80#0            9 B  "message 0"
      2        1ms  net.deliver  api ↔ app       app>api:80#0            9 B  "message 1"  (from 1)
-     3        2ms  net.send     app ↔ api       app>api:80#0            9 B  "message 2"  (from 2)
`},
		{"begins late", nil, talk(1), `
first difference: want ends before event 1, got goes on

+     1         0s  net.send     app ↔ api       app>api:80#0            9 B  "message 0"
`},
		{"another", talk(1), with(talk(1), 0, func(e *journal.Event) {
			*e = journal.Event{Seq: 1, Kind: "fault.part", Notes: []journal.Note{{Key: "why", Value: "a test"}}}
		}), `
first difference: event 1, kind: want net.send, got fault.part; where: want app, got -; peer: want api, got -; subject: want app>api:80#0, got -; size: want 9, got 0; body: want "message 0", got none; notes: want -, got why="a test"

-     1         0s  net.send     app ↔ api       app>api:80#0            9 B  "message 0"
+     1         0s  fault.part                                       why=a test
`},
	} {
		if got := journal.Diff(slices.Values(c.want), slices.Values(c.got)); got != c.text[1:] {
			t.Errorf("%s: got:\n%s\nwant:%s", c.name, got, c.text)
		}
	}
}

func TestDiffOfStrangersIsShort(t *testing.T) {
	other := talk(1000)
	for i := range other {
		other[i].Where = "else"
	}
	d := journal.Diff(slices.Values(talk(1000)), slices.Values(other))
	if n := strings.Count(d, "\n"); n != 14 || strings.Count(d, "...") != 2 {
		t.Errorf("%d lines:\n%s", n, d)
	}
}

func TestDiffReadsNoFurtherThanItMust(t *testing.T) {
	read := 0
	counted := func(events []journal.Event) iter.Seq[journal.Event] {
		return func(yield func(journal.Event) bool) {
			for _, e := range events {
				if read++; !yield(e) {
					return
				}
			}
		}
	}
	changed := with(talk(5000), 10, func(e *journal.Event) { e.Step = 1 })
	journal.Diff(counted(talk(5000)), counted(changed))
	if read > 100 {
		t.Errorf("read %d events to find the eleventh", read)
	}
}

func TestAnEventIsOneLine(t *testing.T) {
	long := strings.Repeat("é", 100)
	for _, c := range []struct {
		e    journal.Event
		want string
	}{
		{journal.Event{Seq: 1, Kind: "app.start"}, `    1         0s  app.start`},
		{journal.Event{Seq: 1, Kind: "a\nb", Where: "\x1b[31m"}, `    1         0s  "a\nb"       "\x1b[31m"`},
		{journal.Event{Seq: 2, Size: 5, Cause: 1}, `    2         0s                                                       5 B  (from 1)`},
		{journal.Event{Seq: 2, Body: []byte{}}, `    2         0s                                                       0 B  ""`},
		{journal.Event{Size: 200, Body: []byte(long)}, `    0         0s                                                     200 B  "` + long[:48] + `"…`},
		{journal.Event{Size: 2, Body: []byte{0xff, 0}}, `    0         0s                                                       2 B  ff00`},
		{journal.Event{Size: 20, Body: make([]byte, 20)}, `    0         0s                                                      20 B  ` + strings.Repeat("00", 16) + `…`},
		{journal.Event{Notes: []journal.Note{{Key: "a", Value: "\t"}}}, `    0         0s                                                   a="\t"`},
	} {
		if got := c.e.String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
