// Tests of the text form: what is written, what is read, what is refused.

package journal_test

import (
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

func written(t testing.TB, h journal.Header, events ...journal.Event) string {
	t.Helper()
	var b strings.Builder
	if err := journal.Write(&b, h, slices.Values(events)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheTextForm(t *testing.T) {
	h := journal.Header{
		Seed:   42,
		Config: "{Latency:5ms}\n two\n\n\"three\"",
		Notes:  []journal.Note{{Key: "test", Value: "Test A"}, {Key: "k=", Value: ""}},
	}
	got := written(t, h,
		journal.Event{Seq: 1, Kind: "net.listen", Where: "api", Subject: "api:80"},
		journal.Event{Seq: 2, Step: 1, At: 5 * time.Millisecond, Kind: "net.send", Where: "app", Peer: "api",
			Subject: "app>api:80#0", Cause: 1, Size: 5, Body: []byte("a\r\n\"é"),
			Notes: []journal.Note{{Key: "late", Value: "true"}}},
		journal.Event{Seq: 3, Size: 3, Body: []byte{0, 1, 0xff}},
		journal.Event{Seq: 4, Body: []byte{},
			Notes: []journal.Note{{}, {Key: "a b", Value: "="}, {Key: "c", Value: "\""}}},
		journal.Event{Seq: 5, Size: 7, Kind: "-", Where: "two words", Peer: "\xff", Subject: "\"q"},
	)
	want := `rehearse journal 1
seed 42
config {Latency:5ms}
config  two
config ""
config "\"three\""
note test="Test A"
note "k="=

1 0 0s net.listen api - api:80 - 0 -
2 1 5ms net.send app api app>api:80#0 1 5 "a\r\n\"é" late=true
3 0 0s - - - - - 3 base64:AAH/
4 0 0s - - - - - 0 "" ""= "a b"== c="\""
5 0 0s "-" "two words" "\xff" "\"q" - 7 -
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	h := journal.Header{
		Version: 1, Seed: math.MaxUint64, Config: "a\n\nb \n", Notes: []journal.Note{{Key: "x y", Value: "\n"}, {}},
	}
	events := []journal.Event{
		{},
		{Seq: math.MaxInt, Step: -1, At: math.MinInt64, Cause: -5, Size: math.MinInt},
		{At: 1, Kind: "-", Where: "\"", Peer: " ", Subject: "\x00\u00a0\ufeff\ufffd"},
		{Body: []byte{}, Notes: []journal.Note{{Key: "", Value: "-"}, {Key: "\"", Value: "a=b"}}},
		{Body: []byte("plain text, with \ttabs\r\n")},
		{Body: []byte("\xff\xfe")},
		{Body: []byte("-")},
		{Body: []byte("base64:")},
		{Where: strings.Repeat("long ", 40_000), Body: make([]byte, 300_000)},
	}
	gotH, got, err := journal.Read(strings.NewReader(written(t, h, events...)))
	if err != nil {
		t.Fatal(err)
	}
	if d := journal.Diff(slices.Values(events), slices.Values(got)); d != "" {
		t.Error(d)
	}
	if gotH.Seed != h.Seed || gotH.Config != h.Config || gotH.Version != 1 || !slices.Equal(gotH.Notes, h.Notes) {
		t.Errorf("header %+v, want %+v", gotH, h)
	}
}

func TestTheLongestBodiesAreReadBack(t *testing.T) {
	for _, fill := range []byte{'"', 0xff} {
		e := journal.Event{Body: slices.Repeat([]byte{fill}, journal.MaxBody)}
		_, got, err := journal.Read(strings.NewReader(written(t, journal.Header{}, e)))
		if err != nil || len(got) != 1 || !got[0].Equal(e) {
			t.Errorf("filled with %q: %d events, %v", fill, len(got), err)
		}
	}
}

func TestWriteRefusesWhatNoReaderWouldTake(t *testing.T) {
	for _, e := range []journal.Event{
		{Body: make([]byte, journal.MaxBody+1)},
		{Where: strings.Repeat("x", 2<<20)},
	} {
		if err := journal.Write(io.Discard, journal.Header{}, slices.Values([]journal.Event{e})); err == nil {
			t.Errorf("wrote a body of %d and a host of %d bytes", len(e.Body), len(e.Where))
		}
	}
}

func TestTheHeaderOfAJournalIsItsOwn(t *testing.T) {
	var j journal.Journal
	notes := []journal.Note{{Key: "a", Value: "b"}}
	j.SetHeader(journal.Header{Seed: 3, Notes: notes})
	notes[0].Key = "changed"
	h := j.Header()
	if h.Version != journal.Version || h.Seed != 3 || h.Notes[0].Key != "a" {
		t.Errorf("header %+v", h)
	}
	if h.Notes[0].Key = "changed"; j.Header().Notes[0].Key != "a" {
		t.Error("the header's notes are shared")
	}
}

const start = "rehearse journal 1\nseed 1\n\n"

func TestBadTextIsRefusedWithItsLine(t *testing.T) {
	for _, c := range []struct {
		text string
		line int
		msg  string
	}{
		{"", 1, "ends within the header"},
		{"rehearse journal 1\nseed 1\n", 3, "ends within the header"},
		{"hello\n", 1, `not a journal: it begins with "hello"`},
		{"rehearse journal x\n", 1, "bad version"},
		{"rehearse journal 0\n", 1, "bad version"},
		{"rehearse journal 2\n", 1, "version 2 is newer than 1"},
		{"rehearse journal 1\n\n", 2, "without a seed"},
		{"rehearse journal 1\nseed -1\n\n", 2, "seed: want a number"},
		{"rehearse journal 1\nseed 1\nseed 1\n\n", 3, "second seed"},
		{"rehearse journal 1\nseed 1\nfoo bar\n\n", 3, "foo: unknown in a header"},
		{"rehearse journal 1\nseed 1\nconfig \"a\n\n", 3, "bad quotes"},
		{"rehearse journal 1\nseed 1\nnote a\n\n", 3, "key=value"},
		{"rehearse journal 1\nseed 1\nnote a=b c=d\n\n", 3, "more than one note"},
		{"rehearse journal 1\nseed 1\nconfig " + strings.Repeat("x", 2<<20) + "\n\n", 3, "header is longer"},
		{start + "\n", 4, "seq: missing"},
		{start + "x 0 0s - - - - - 0 -\n", 4, `seq: want a number, got "x"`},
		{start + "1 0 5 - - - - - 0 -\n", 4, "at: want a duration"},
		{start + "1 0 0s - - - - - 0\n", 4, "body: missing"},
		{start + "1 0 0s - - - - - 0 - \n", 4, "body: a space at the end"},
		{start + "1 0 0s -  - - - 0 -\n", 4, "where: missing"},
		{start + "1 0 0s \"k - - - - 0 -\n", 4, "kind: a quote is opened"},
		{start + "1 0 0s \"k\"x - - - - 0 -\n", 4, "kind: no space behind"},
		{start + "1 0 0s \"\\k\" - - - - 0 -\n", 4, "kind: bad quotes"},
		{start + "1 0 0s - - - - - 0 text\n", 4, "body: want -, a quoted text or base64:"},
		{start + "1 0 0s - - - - - 0 base64:AB==\n", 4, "body: bad base64"},
		{start + "1 0 0s - - - - - 0 \"\\\"\n", 4, "body: a quote is opened"},
		{start + "1 0 0s - - - - - 0 - note\n", 4, "want a note as key=value"},
		{start + "1 0 0s - - - - - 0 - k=v \n", 4, "a space at the end"},
		{start + "1 0 0s - - - - - 0 - k= \n", 4, "a space at the end"},
		{start + "1 0 0s - - - - - 0 - \"k=v\n", 4, "a quote is opened"},
		{start + "1 0 0s - - - - - 0 -\n" + strings.Repeat("x", 40<<20), 5, "longer than"},
	} {
		_, _, err := journal.Read(strings.NewReader(c.text))
		var syntax *journal.SyntaxError
		if !errors.As(err, &syntax) || syntax.Line != c.line || !strings.Contains(err.Error(), c.msg) {
			t.Errorf("%.80q: got %v, want line %d: ...%s...", c.text, err, c.line, c.msg)
		}
		if len(err.Error()) > 300 {
			t.Errorf("%.80q: an error of %d bytes", c.text, len(err.Error()))
		}
	}
}

func TestATextCutShortYieldsAllWholeEvents(t *testing.T) {
	whole := written(t, journal.Header{Seed: 9, Config: "c"},
		journal.Event{Seq: 1, Body: []byte("one")},
		journal.Event{Seq: 2, Body: []byte("two")})
	for n := range len(whole) {
		_, events, err := journal.Read(strings.NewReader(whole[:n]))
		_, rest, _ := strings.Cut(whole[:n], "\n\n")
		if got := strings.Count(rest, "\n"); len(events) != got {
			t.Errorf("of %q: %d events, want %d", whole[:n], len(events), got)
		}
		atEnd := strings.HasSuffix(whole[:n], "\n") && strings.Contains(whole[:n], "\n\n")
		if errors.Is(err, io.ErrUnexpectedEOF) == atEnd || atEnd && err != nil {
			t.Errorf("of %q: error %v", whole[:n], err)
		}
	}
	_, _, err := journal.Read(strings.NewReader(start + "garbage\n"))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("garbage is taken for a text cut short: %v", err)
	}
}

func TestLineEndsOfOtherSystemsAreTaken(t *testing.T) {
	text := written(t, journal.Header{Config: "c"}, journal.Event{Seq: 1, Body: []byte("x\r\n")})
	h, events, err := journal.Read(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n")))
	if err != nil || h.Config != "c" || len(events) != 1 || string(events[0].Body) != "x\r\n" {
		t.Error(h, events, err)
	}
}

func TestAnErrorOfTheFileComesThrough(t *testing.T) {
	broken := errors.New("bad sector")
	begin := strings.NewReader(start + "1 0 0s - - - - - 0 -\n2 0")
	r, err := journal.NewReader(io.MultiReader(begin, iotest.ErrReader(broken)))
	if err != nil {
		t.Fatal(err)
	}
	var events int
	for _, e := range r.Events() {
		if err = e; err == nil {
			events++
		}
	}
	if events != 1 || err != broken {
		t.Errorf("%d events, then %v", events, err)
	}
	if _, err := journal.NewReader(iotest.ErrReader(broken)); err != broken {
		t.Errorf("NewReader: %v", err)
	}
}

func TestReadingGoesOnWhereALoopStopped(t *testing.T) {
	text := written(t, journal.Header{}, journal.Event{Seq: 1}, journal.Event{Seq: 2}, journal.Event{Seq: 3})
	r, err := journal.NewReader(iotest.OneByteReader(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for range 2 {
		for e := range r.Events() {
			if got = append(got, e.Seq); e.Seq == 2 {
				break
			}
		}
	}
	if !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("got %v", got)
	}
}
