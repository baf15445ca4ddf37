// Tests of the Go side: the data of a page, and what stands round it.

package traceview_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/traceview"
)

var update = flag.Bool("update", false, "rewrite testdata to what is written now")

func html(t *testing.T, j *journal.Journal) string {
	t.Helper()
	var b strings.Builder
	if err := traceview.Write(&b, j.Header(), j.Events(0)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// data returns the data of a page as it was before it was packed, a column a
// line.
func data(t *testing.T, j *journal.Journal) string {
	t.Helper()
	m := regexp.MustCompile(`id="data">([^<]*)<`).FindStringSubmatch(html(t, j))
	if m == nil {
		t.Fatal("no data in the page")
	}
	packed, err := base64.StdEncoding.DecodeString(m[1])
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`,("[a-zA-Z]+":)`).ReplaceAllString(string(text), ",\n$1")
}

func TestTheDataOfAPage(t *testing.T) {
	const golden = "testdata/small.json"
	got := data(t, &smallStory().Journal)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the data differs from %s; if that is meant, run with -update. It is:\n%s", golden, got)
	}
}

func TestUnusualEventsAreData(t *testing.T) {
	var j journal.Journal
	j.SetHeader(journal.Header{Seed: math.MaxUint64})
	j.Append(journal.Event{Kind: "\xff", Where: "\u2028", Body: []byte{}})
	j.Append(journal.Event{Body: make([]byte, 64<<10+1), Cause: 99, At: math.MaxInt64})
	got := data(t, &j)
	for _, want := range []string{
		`"seed":"18446744073709551615"`, `"bodies":[[0,""],[1,"\u0000\u0000`, `\u0000",65537]]`, `"cause":[0,-97]`,
		`"names":["","\ufffd","\u2028"]`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %.300s", want, got)
		}
	}
}

func TestAPageNeedsNothingElse(t *testing.T) {
	page := html(t, &smallStory().Journal)
	if m := regexp.MustCompile(`https?://|(?:src|href)="[^d]|@import|url\(|\{\{[a-z]+\}\}`).FindString(page); m != "" {
		t.Errorf("the page refers to %s", m)
	}
	if !strings.Contains(page, `content="default-src 'none'; script-src 'sha256-`) {
		t.Error("no content policy")
	}
	if n := strings.Count(page, "</script>"); n != 2 {
		t.Errorf("%d scripts end, want 2", n)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestAnErrorOfTheFileComesThrough(t *testing.T) {
	full := errors.New("disk full")
	var j journal.Journal
	if err := traceview.Write(brokenWriter{full}, j.Header(), j.Events(0)); err != full {
		t.Errorf("error %v", err)
	}
}

func BenchmarkWrite(b *testing.B) {
	s := longStory(50_000)
	for b.Loop() {
		if err := traceview.Write(io.Discard, s.Header(), s.Events(0)); err != nil {
			b.Fatal(err)
		}
	}
}
