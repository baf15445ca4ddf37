// Tests of a journal in memory: order, bounds, concurrency.

package journal_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

func seqs(events []journal.Event) (s []int) {
	for _, e := range events {
		s = append(s, e.Seq)
	}
	return s
}

func all(j *journal.Journal) []journal.Event { return slices.Collect(j.Events(0)) }

func TestAppendNumbersAndDatesEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal.Journal
		j.Append(journal.Event{Kind: "a"})
		time.Sleep(3 * time.Second) // virtual
		if seq := j.Append(journal.Event{Kind: "b", Seq: 77}); seq != 2 {
			t.Errorf("second Append returned %d", seq)
		}
		j.Append(journal.Event{Kind: "c", At: time.Hour})
		want := []journal.Event{
			{Seq: 1, Kind: "a"},
			{Seq: 2, Kind: "b", At: 3 * time.Second},
			{Seq: 3, Kind: "c", At: time.Hour},
		}
		if d := journal.Diff(slices.Values(want), j.Events(0)); d != "" {
			t.Error(d)
		}
		if j.Len() != 3 || j.Last() != 3 {
			t.Errorf("Len %d, Last %d", j.Len(), j.Last())
		}
	})
}

func TestAppendCopiesWhatTheCallerMayChange(t *testing.T) {
	var j journal.Journal
	body, notes := []byte("body"), []journal.Note{{Key: "k", Value: "v"}}
	j.Append(journal.Event{Body: body, Notes: notes})
	body[0], notes[0].Value = 'X', "X"
	if e := all(&j)[0]; string(e.Body) != "body" || e.Note("k") != "v" || e.Note("none") != "" {
		t.Errorf("kept %q, %v", e.Body, e.Notes)
	}
}

func TestSizeIsTheBodysUnlessGiven(t *testing.T) {
	var j journal.Journal
	j.Append(journal.Event{Body: []byte("four")})
	j.Append(journal.Event{Size: 9})
	j.Append(journal.Event{Body: []byte{}})
	got := all(&j)
	if got[0].Size != 4 || got[1].Size != 9 || got[2].Size != 0 {
		t.Errorf("sizes %d %d %d", got[0].Size, got[1].Size, got[2].Size)
	}
	if got[1].Body != nil || got[2].Body == nil {
		t.Error("an absent and an empty payload are not told apart")
	}
}

func TestEventsBeginsWhereAskedAndSeesWhatIsAppended(t *testing.T) {
	var j journal.Journal
	for range 1000 {
		j.Append(journal.Event{})
	}
	var got []int
	for e := range j.Events(998) {
		if e.Seq == 1000 {
			j.Append(journal.Event{})
		}
		if got = append(got, e.Seq); e.Seq == 1003 {
			break
		}
		if e.Seq == 1001 {
			j.Append(journal.Event{})
			j.Append(journal.Event{})
		}
	}
	if !slices.Equal(got, []int{998, 999, 1000, 1001, 1002, 1003}) {
		t.Errorf("got %v", got)
	}
	if n := len(slices.Collect(j.Events(2000))); n != 0 {
		t.Errorf("%d events from beyond the end", n)
	}
}

func TestTailIsTheLastEvents(t *testing.T) {
	var j journal.Journal
	for range 5 {
		j.Append(journal.Event{})
	}
	for _, c := range []struct {
		n    int
		want []int
	}{{2, []int{4, 5}}, {9, []int{1, 2, 3, 4, 5}}, {0, nil}, {-1, nil}} {
		if got := seqs(j.Tail(c.n)); !slices.Equal(got, c.want) {
			t.Errorf("Tail(%d) = %v, want %v", c.n, got, c.want)
		}
	}
}

func TestTheOldestPayloadsGoFirstThenTheOldestEvents(t *testing.T) {
	j := journal.Journal{Limit: 10_000}
	for range 20 {
		j.Append(journal.Event{Body: make([]byte, 1000)})
	}
	payloads, events := j.Dropped()
	if payloads < 10 || events != 0 || j.Len() != 20 {
		t.Fatalf("dropped %d payloads, %d events, kept %d", payloads, events, j.Len())
	}
	for i, e := range all(&j) {
		if e.Size != 1000 || (e.Body == nil) != (i < payloads) {
			t.Errorf("event %d: size %d, body kept %t", e.Seq, e.Size, e.Body != nil)
		}
	}
	for range 1000 {
		j.Append(journal.Event{})
	}
	payloads, events = j.Dropped()
	if payloads != 20 || events == 0 || j.Len()+events != 1020 {
		t.Errorf("dropped %d payloads, %d events, kept %d", payloads, events, j.Len())
	}
	if got := all(&j); got[0].Seq != events+1 || len(got) != j.Len() || got[len(got)-1].Seq != 1020 {
		t.Errorf("kept %d..%d", got[0].Seq, got[len(got)-1].Seq)
	}
}

func TestMemoryStaysWithinTheLimitHoweverMuchIsAppended(t *testing.T) {
	const limit = 1 << 20
	j := journal.Journal{Limit: limit}
	body := make([]byte, 4000)
	note := []journal.Note{{Key: "k", Value: strings.Repeat("v", 500)}}
	for range 20_000 {
		j.Append(journal.Event{Body: body, Notes: note})
	}
	kept := 0
	for e := range j.Events(0) {
		kept += len(e.Body) + len(e.Note("k")) + 160
	}
	if kept > limit || kept < limit/2 {
		t.Errorf("keeps %d bytes with a limit of %d", kept, limit)
	}
}

func TestAPayloadBeyondTheLimitPushesOutNoOther(t *testing.T) {
	j := journal.Journal{Limit: 10_000}
	j.Append(journal.Event{Body: []byte("small")})
	j.Append(journal.Event{Body: make([]byte, 20_000)})
	got := all(&j)
	if string(got[0].Body) != "small" || got[1].Body != nil || got[1].Size != 20_000 {
		t.Errorf("bodies %q, %d bytes; size %d", got[0].Body, len(got[1].Body), got[1].Size)
	}
	if payloads, _ := j.Dropped(); payloads != 1 {
		t.Errorf("dropped %d payloads", payloads)
	}
}

func TestABodyBeyondMaxBodyIsNotKept(t *testing.T) {
	j := journal.Journal{Limit: 4 * journal.MaxBody}
	j.Append(journal.Event{Body: make([]byte, journal.MaxBody+1)})
	j.Append(journal.Event{Body: make([]byte, journal.MaxBody)})
	got := all(&j)
	if got[0].Body != nil || got[0].Size != journal.MaxBody+1 || len(got[1].Body) != journal.MaxBody {
		t.Errorf("kept %d and %d bytes", len(got[0].Body), len(got[1].Body))
	}
	if payloads, _ := j.Dropped(); payloads != 1 {
		t.Errorf("dropped %d payloads", payloads)
	}
}

func TestTheNewestEventStaysWhateverTheLimit(t *testing.T) {
	j := journal.Journal{Limit: 1}
	for range 300 {
		j.Append(journal.Event{Kind: "k"})
	}
	if got := all(&j); len(got) != 1 || got[0].Seq != 300 || got[0].Kind != "k" {
		t.Errorf("kept %v", got)
	}
}

func TestEventsPassesOverWhatIsLetGoMeanwhile(t *testing.T) {
	j := journal.Journal{Limit: 10 * 200}
	j.Append(journal.Event{})
	last := 0
	for e := range j.Events(0) {
		if e.Seq <= last {
			t.Fatalf("%d after %d", e.Seq, last)
		}
		if last = e.Seq; last > 5000 {
			break
		}
		for range 50 {
			j.Append(journal.Event{})
		}
	}
	if last <= 5000 {
		t.Errorf("ended at %d", last)
	}
}

func TestAJournalServesManyGoroutinesAtOnce(t *testing.T) {
	j := journal.Journal{Limit: 200_000}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				j.Append(journal.Event{Kind: "k", Body: []byte("payload")})
			}
		})
		wg.Go(func() {
			last := 0
			for range 20 {
				for e := range j.Events(last + 1) {
					if e.Seq != last+1 && last != 0 && e.Kind != "k" {
						t.Errorf("event %d after %d is %v", e.Seq, last, e)
					}
					last = e.Seq
				}
				j.Tail(3)
				j.Dropped()
			}
		})
	}
	wg.Wait()
	if j.Last() != 2000 {
		t.Errorf("last is %d", j.Last())
	}
	var prev time.Duration
	for e := range j.Events(0) {
		if e.At < prev {
			t.Fatalf("event %d at %v, its predecessor at %v", e.Seq, e.At, prev)
		}
		prev = e.At
	}
}
