// Tests in a browser: the page draws, from disk, within its policy, in time.

package traceview_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/traceview"
)

// page writes a journal's page to disk and returns its address.
func page(t *testing.T, j *journal.Journal) string {
	t.Helper()
	var b bytes.Buffer
	if err := traceview.Write(&b, j.Header(), j.Events(0)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "trace.html")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file://" + filepath.ToSlash(name)
}

// told returns a number that the page tells of itself.
func (b *browser) told(name string) float64 {
	b.t.Helper()
	v, err := strconv.ParseFloat(b.eval("document.documentElement.dataset."+name), 64)
	if err != nil {
		b.t.Fatalf("%s: %v; the page says: %s", name, err, b.text("#problem"))
	}
	return v
}

// content fails the test if the page, or the browser about it, complains.
func (b *browser) content() {
	b.t.Helper()
	if c := b.text("#problem"); c != "" {
		b.t.Errorf("the page complains: %s", c)
	}
	if len(b.said) > 0 {
		b.t.Errorf("the browser complains: %s", strings.Join(b.said, "\n"))
	}
}

// inked returns the share of the canvas that is not its ground, in percent.
const inked = `(() => {
	const c = document.getElementById("lanes"), px = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
	let n = 0;
	for (let i = 0; i < px.length; i += 4) if (px[i] + px[i + 1] + px[i + 2] < 600) n++;
	return String(400 * n / px.length);
})()`

func TestFiftyThousandEventsAreDrawnFromDisk(t *testing.T) {
	b := startBrowser(t)
	address := page(t, &longStory(50_000).Journal)
	for _, view := range []string{"", "fit=1", "axis=time&fit=1", "seq=25000", "q=kind:drop", "inflate=own"} {
		b.open(address + "#theme=light&" + view)
		b.content()
		t.Logf("%-16s ready after %.0f ms, drawn in %.1f ms: %.0f events, %.0f arrows", view,
			b.told("readyMs"), b.told("drawMs"), b.told("drawnEvents"), b.told("drawnArrows"))
		if n := b.told("events"); n < 50_000 {
			t.Errorf("%q: %v events", view, n)
		}
		if b.told("drawnEvents") < 20 || b.told("drawnArrows") < 10 {
			t.Errorf("%q: next to nothing is drawn", view)
		}
		if share, err := strconv.ParseFloat(b.eval(inked), 64); err != nil || share < 0.5 {
			t.Errorf("%q: %.2f percent of the canvas are inked, %v", view, share, err)
		}
	}
}

func TestAllOfAPageIsReachedByKeys(t *testing.T) {
	b := startBrowser(t)
	b.open(page(t, &smallStory().Journal))
	for _, c := range []struct{ key, heading string }{
		{"ArrowDown", "net.listenevent 1"},
		{"ArrowDown", "net.listenevent 2"},
		{"ArrowDown", "net.dialevent 3"},
		{"ArrowRight", "net.connectevent 4"},
		{"ArrowLeft", "net.dialevent 3"},
		{"]", "fault.partevent 14"},
		{"]", "net.dropevent 16"},
		{"[", "fault.partevent 14"},
		{"End", "net.closeevent 38"},
		{"t", "net.closeevent 38"},
		{"Home", "net.listenevent 1"},
		{"w", "net.listenevent 1"},
		{"f", "net.listenevent 1"},
		{"Escape", "This run"},
	} {
		b.press(c.key)
		if got := b.text("#panel h2"); got != c.heading {
			t.Errorf("after %s the panel shows %q, want %q", c.key, got, c.heading)
		}
	}
	b.press("End")
	if got := b.eval(`document.getElementById(document.getElementById("stage").getAttribute("aria-activedescendant"))
		.getAttribute("aria-selected")`); got != "true" {
		t.Errorf("the chosen event is not the active one of the list: %q", got)
	}
	b.content()
}

func TestTheFilterShowsWhatMatchesAndTheOtherEndsOfItsArrows(t *testing.T) {
	b := startBrowser(t)
	address := page(t, &smallStory().Journal)
	for _, c := range []struct{ query, matched, shown string }{
		{"", "", "38"},
		{"kind:drop", "1 match", "2"},
		{"update -refunded", "1 match", "2"},
		{"host:app kind:dial", "2 match", "4"},
		{`note:"db is slow"`, "1 match", "1"},
		{"after:32.036s", "3 match", "3"},
		{"before:2ms", "2 match", "2"},
		{"body:refund seq:6", "1 match", "2"},
		{"https://x", "0 match", "0"},
		{`"`, "38 match", "38"},
	} {
		b.open(address)
		b.eval(`document.getElementById("query").value = ` + strconv.Quote(c.query) + `;
			document.getElementById("query").dispatchEvent(new Event("input")); ""`)
		b.press()
		shown := b.eval(`document.querySelector("[role=option]")?.getAttribute("aria-setsize") ?? "0"`)
		if got := b.text("#matched"); got != c.matched || shown != c.shown {
			t.Errorf("%s: %q, %s shown; want %q, %s", c.query, got, shown, c.matched, c.shown)
		}
	}
	b.content()
}

func TestWhatAJournalSaysIsNeverMarkup(t *testing.T) {
	evil := `</script><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>{{data}}`
	var j journal.Journal
	notes := []journal.Note{{Key: evil, Value: evil}, {Key: "test", Value: evil}, {Key: "__proto__", Value: "p"}}
	j.SetHeader(journal.Header{Config: evil, Notes: notes})
	for _, kind := range []string{evil, "__proto__", "constructor", "fault." + evil, "net.send"} {
		j.Append(journal.Event{
			Kind: journal.Kind(kind), Where: evil, Peer: "__proto__", Subject: evil, Body: []byte(evil), Notes: notes,
		})
	}
	j.Append(journal.Event{})
	b := startBrowser(t)
	b.open(page(t, &j))
	for range 6 {
		b.press("ArrowDown")
		if n := b.eval(`String(document.querySelectorAll("img, #panel script, #options script").length)`); n != "0" {
			t.Errorf("%s elements came out of the journal", n)
		}
	}
	b.press("ArrowUp")
	if got := b.text("#panel pre.text"); got != evil {
		t.Errorf("the payload is shown as %q", got)
	}
	if title := b.eval("document.title"); !strings.HasPrefix(title, "</script>") {
		t.Errorf("the title is %q", title)
	}
	b.content()
}

func TestALongPayloadIsCutWithANote(t *testing.T) {
	var j journal.Journal
	j.Append(journal.Event{Kind: "net.send", Where: "a", Peer: "b", Body: make([]byte, 100_000)})
	j.Append(journal.Event{Kind: "net.deliver", Where: "b", Peer: "a", Size: 100_000, Cause: 1})
	b := startBrowser(t)
	b.open(page(t, &j) + "#seq=2")
	got := b.text("#panel")
	for _, want := range []string{"As event 1 sent it.", "Cut: the first 65,536 of 100,000 bytes."} {
		if !strings.Contains(got, want) {
			t.Errorf("the panel does not say %q: %.400q", want, got)
		}
	}
	b.content()
}

func TestAPageOfNothingOpens(t *testing.T) {
	b := startBrowser(t)
	b.open(page(t, new(journal.Journal)))
	b.press("ArrowDown", "]", "f", "t", "w", "End")
	if got := b.text("#facts"); got != "0 events · 0 hosts · 0s · seed 0" {
		t.Errorf("facts %q", got)
	}
	b.content()
}

func TestFaultsThatLastAreBands(t *testing.T) {
	var j journal.Journal
	for _, host := range []string{"a", "b", "c"} {
		j.Append(journal.Event{Kind: "net.listen", Where: host})
	}
	full := j.Append(journal.Event{Kind: "fault.full", Where: "b:80", Subject: "full b:80"})
	j.Append(journal.Event{Kind: "fault.end", Where: "b:80", Subject: "full b:80", Cause: full})
	j.Append(journal.Event{Kind: "fault.rule", Where: "a", Peer: "b", Subject: "a>b:80#0"})
	j.Append(journal.Event{Kind: "fault.loss", Where: "a", Peer: "b", Subject: "a>b:80#0"})
	j.Append(journal.Event{Kind: "fault.reset", Where: "a>b:80#0", Subject: "reset a>b:80#0"})
	j.Append(journal.Event{Kind: "fault.part", Where: "a,b", Peer: "c", Subject: "part a,b c"})
	b := startBrowser(t)
	b.open(page(t, &j))
	if n := b.told("drawnBands"); n != 2 {
		t.Errorf("%v bands, want 2", n)
	}
	if got := b.text("#facts"); !strings.Contains(got, " 3 hosts ") {
		t.Errorf("faults made hosts: %s", got)
	}
	b.content()
}
