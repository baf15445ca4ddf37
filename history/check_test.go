// Checking a log: small histories, each with what is to be found in it.

package history_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/history"
)

func rec(offset int64, value string) history.Record {
	return history.Record{Offset: offset, Value: value}
}

// acknowledged produces the values one after another, from offset 0.
func acknowledged(values ...string) *history.Log {
	var log history.Log
	for i, v := range values {
		log.Produce("w", v).Return(history.At(int64(i)))
	}
	return &log
}

// logCases are what clients tell of a log, and what is to be found in that.
var logCases = []struct {
	name   string
	tell   func(log *history.Log) // what came after "a" and "b" were acknowledged at 0 and 1
	config history.LogConfig
	want   string // kinds
	line   string // the first finding
}{
	{"nothing", func(log *history.Log) {
		log.Final("n1", rec(0, "a"), rec(1, "b"))
	}, history.LogConfig{}, "", ""},
	{"an acknowledged record that no log holds", func(log *history.Log) {
		log.Final("n1", rec(0, "a"))
	}, history.LogConfig{}, "lost", `lost: offset 1: #2 w: produce "b" = offset 1 [3,4]; is in no final log: #3 n1: final = 0:"a" [5,6]`},
	{"a record that was read, and then lost", func(log *history.Log) {
		log.Produce("w", "c").Return(history.At(2))
		log.Read("r", 0).Return(history.Records(rec(0, "a"), rec(1, "b"), rec(2, "c")))
		log.Read("r", 0).Return(history.Records(rec(0, "a"), rec(2, "c")))
		log.Final("n1", rec(0, "a"), rec(2, "c"))
	}, history.LogConfig{}, "lost", ""},
	{"something else was read in its place", func(log *history.Log) {
		log.Produce("x", "c").Unknown()
		log.Read("r", 0).Return(history.Some(rec(0, "c")))
	}, history.LogConfig{}, "lost", `lost: offset 0: #1 w: produce "a" = offset 0 [1,2]; ` +
		`but "c" was read there: #4 r: read from 0 = 0:"c" and maybe more [6,7]`},
	{"two acknowledged at one offset", func(log *history.Log) {
		log.Produce("x", "c").Return(history.At(1))
		log.Read("r", 0).Return(history.Some(rec(0, "a")))
	}, history.LogConfig{}, "lost", `lost: offset 1: #3 x: produce "c" = offset 1 [5,6]; ` +
		`was acknowledged at the offset of #2 w: produce "b" = offset 1 [3,4]`},
	{"a retry that was written twice", func(log *history.Log) {
		log.Final("n1", rec(0, "a"), rec(1, "b"), rec(2, "b"))
	}, history.LogConfig{}, "duplicated", `duplicated: offset 2: "b" is at offset 1 as well: ` +
		`#3 n1: final = 0:"a" ... 2:"b", 3 records [5,6]; #2 w: produce "b" = offset 1 [3,4]`},
	{"a later produce at a lower offset", func(log *history.Log) {
		log.Produce("w", "c").Return(history.At(9))
		log.Produce("w", "d").Return(history.At(5))
		log.Final("n1", rec(0, "a"), rec(1, "b"), rec(5, "d"), rec(9, "c"))
	}, history.LogConfig{}, "reordered", `reordered: offset 5: #4 w: produce "d" = offset 5 [7,8]; ` +
		`called after the return of #3 w: produce "c" = offset 9 [5,6]`},
	{"a later produce that overlaps", func(log *history.Log) {
		c, d := log.Produce("w", "c"), log.Produce("x", "d")
		c.Return(history.At(3))
		d.Return(history.At(2))
		log.Final("n1", rec(0, "a"), rec(1, "b"), rec(2, "d"), rec(3, "c"))
	}, history.LogConfig{}, "", ""},
	{"a read that leaves one out", func(log *history.Log) {
		log.Produce("w", "c").Return(history.At(2))
		log.Read("r", 0).Return(history.Records(rec(0, "a"), rec(1, "b"), rec(2, "c")))
		log.Read("s", 0).Return(history.Records(rec(0, "a"), rec(2, "c")))
	}, history.LogConfig{}, "skipped", `skipped: offset 1: 1 records are passed over by ` +
		`#5 s: read from 0 = 0:"a" 2:"c" [9,10]; #4 r: read from 0 = 0:"a" ... 2:"c", 3 records [7,8]`},
	{"a read that begins too late", func(log *history.Log) {
		log.Read("r", 0).Return(history.Records(rec(0, "a"), rec(1, "b")))
		log.Read("s", 0).Return(history.Records(rec(1, "b")))
	}, history.LogConfig{}, "skipped", ""},
	{"an answer out of order", func(log *history.Log) {
		log.Read("r", 0).Return(history.Records(rec(1, "b"), rec(0, "a")))
	}, history.LogConfig{}, "non-monotonic", `non-monotonic: offset 0: out of order in one answer: ` +
		`#3 r: read from 0 = 1:"b" 0:"a" [5,6]`},
	{"an answer from before where it was asked", func(log *history.Log) {
		log.Read("r", 1).Return(history.Records(rec(0, "a"), rec(1, "b")))
	}, history.LogConfig{}, "non-monotonic", ""},
	{"a session that falls back", func(log *history.Log) {
		log.Read("r", 0).Return(history.Records(rec(0, "a"), rec(1, "b")))
		log.Read("r", 0).Return(history.Records(rec(0, "a")))
	}, history.LogConfig{}, "non-monotonic", `non-monotonic: offset 1: #4 r: read from 0 = 0:"a" [7,8]; ` +
		`the session had read on before: #3 r: read from 0 = 0:"a" 1:"b" [5,6]`},
	{"another session that is behind", func(log *history.Log) {
		log.Read("r", 0).Return(history.Records(rec(0, "a"), rec(1, "b")))
		log.Read("s", 0).Return(history.Records(rec(0, "a")))
		log.Read("r", 0).Return(history.Some(rec(0, "a")))
	}, history.LogConfig{}, "", ""},
	{"a record that nobody was given", func(log *history.Log) {
		log.Produce("w", "c").Return(history.At(2))
		log.Read("r", 0).Return(history.Records(rec(0, "a")))
		log.Read("r", 2).Return(history.Records(rec(2, "c")))
	}, history.LogConfig{}, "unobserved", `unobserved: offset 1: #2 w: produce "b" = offset 1 [3,4]; ` +
		`no read returned it, but its session read on: #5 r: read from 2 = 2:"c" [9,10]`},
	{"a record that nobody was given when a session went back", func(log *history.Log) {
		log.Produce("w", "c").Return(history.At(2))
		log.Read("r", 2).Return(history.Records(rec(2, "c")))
		log.Read("r", 0).Return(history.Some(rec(0, "a")))
	}, history.LogConfig{}, "unobserved", ""},
	{"a record before where anybody began", func(log *history.Log) {
		log.Read("r", 1).Return(history.Records(rec(1, "b")))
	}, history.LogConfig{}, "", ""},
	{"a value from nowhere", func(log *history.Log) {
		log.Read("r", 1).Return(history.Records(rec(1, "b"), rec(2, "?")))
	}, history.LogConfig{}, "never-produced", `never-produced: offset 2: nobody produced "?": ` +
		`#3 r: read from 1 = 1:"b" 2:"?" [5,6]`},
	{"a value from the future", func(log *history.Log) {
		log.Read("r", 1).Return(history.Records(rec(1, "b"), rec(2, "c")))
		log.Produce("w", "c").Return(history.At(2))
	}, history.LogConfig{}, "never-produced", ""},
	{"a linearizable read that misses one", func(log *history.Log) {
		log.LinearizableRead("r", 0).Return(history.Records(rec(0, "a")))
	}, history.LogConfig{}, "stale", `stale: offset 1: #3 r: linearizable read from 0 = 0:"a" [5,6]; ` +
		`misses #2 w: produce "b" = offset 1 [3,4]`},
	{"a linearizable read that sees nothing", func(log *history.Log) {
		log.LinearizableRead("r", 1).Return(history.Records())
	}, history.LogConfig{}, "stale", ""},
	{"a linearizable read behind another", func(log *history.Log) {
		log.Produce("w", "c").Unknown()
		log.LinearizableRead("r", 2).Return(history.Records(rec(2, "c")))
		log.LinearizableRead("s", 2).Return(history.Records())
	}, history.LogConfig{}, "stale", ""},
	{"reads that may miss it", func(log *history.Log) {
		early := log.LinearizableRead("r", 2)
		log.Produce("w", "c").Return(history.At(2))
		early.Return(history.Records())
		log.Read("r", 2).Return(history.Records())
		log.LinearizableRead("r", 2).Return(history.Some())
		log.LinearizableRead("r", 3).Return(history.Records())
	}, history.LogConfig{}, "", ""},
	{"one node that has something else", func(log *history.Log) {
		log.Final("n1", rec(0, "a"), rec(1, "b"))
		log.Final("n2", rec(0, "x"), rec(1, "y"))
		log.Final("n3", rec(0, "a"), rec(1, "b"))
	}, history.LogConfig{}, "divergent", `divergent: offset 0: n2 has 0:"x", unlike n1; they differ at 2 offsets: ` +
		`#4 n2: final = 0:"x" 1:"y" [7,8]; #3 n1: final = 0:"a" 1:"b" [5,6]`},
	{"one node that holds what was acknowledged", func(log *history.Log) {
		log.Final("n1", rec(0, "a"))
		log.Final("n2", rec(0, "a"), rec(1, "b"))
		log.Final("n3", rec(0, "a"))
	}, history.LogConfig{}, "divergent", `divergent: offset 1: n1 has nothing there, unlike n2; ` +
		`they differ at 1 offsets: #3 n1: final = 0:"a" [5,6]; #4 n2: final = 0:"a" 1:"b" [7,8]`},
	{"nodes that are behind and may be", func(log *history.Log) {
		log.Final("n1", rec(0, "a"))
		log.Final("n2", rec(0, "a"), rec(1, "b"))
		log.Final("n3", rec(0, "a"))
	}, history.LogConfig{Behind: true}, "", ""},
	{"nodes that are behind where nothing was acknowledged", func(log *history.Log) {
		log.Produce("w", "c").Unknown()
		log.Final("n1", rec(0, "a"), rec(1, "b"))
		log.Final("n2", rec(0, "a"), rec(1, "b"), rec(2, "c"))
		log.Final("n3", rec(0, "a"), rec(1, "b"))
	}, history.LogConfig{Behind: true}, "", ""},
	{"a node that has more than most, where nothing was acknowledged", func(log *history.Log) {
		log.Produce("w", "c").Unknown()
		log.Final("n1", rec(0, "a"), rec(1, "b"))
		log.Final("n2", rec(0, "a"), rec(1, "b"), rec(2, "c"))
		log.Final("n3", rec(0, "a"), rec(1, "b"))
	}, history.LogConfig{}, "divergent", `divergent: offset 2: n2 has 2:"c", unlike n1; they differ at 1 offsets: ` +
		`#5 n2: final = 0:"a" ... 2:"c", 3 records [8,9]; #4 n1: final = 0:"a" 1:"b" [6,7]`},
	{"two reads that differ", func(log *history.Log) {
		log.Produce("x", "c").Unknown()
		log.Produce("x", "d").Unknown()
		log.Read("r", 2).Return(history.Records(rec(2, "c")))
		log.Read("s", 2).Return(history.Records(rec(2, "d")))
	}, history.LogConfig{}, "divergent", ""},
	{"a record that was read and is gone", func(log *history.Log) {
		log.Produce("x", "c").Unknown()
		log.Read("r", 2).Return(history.Records(rec(2, "c")))
		log.Final("n1", rec(0, "a"), rec(1, "b"))
	}, history.LogConfig{}, "divergent", ""},
	{"a produce that failed and is there", func(log *history.Log) {
		log.Produce("x", "c").Fail(errors.New("refused"))
		log.Final("n1", rec(0, "a"), rec(1, "b"), rec(2, "c"))
	}, history.LogConfig{}, "phantom", `phantom: offset 2: #3 x: produce "c" failed: refused [5,6]; ` +
		`was seen by #4 n1: final = 0:"a" ... 2:"c", 3 records [7,8]`},
	{"a produce that failed and was tried again", func(log *history.Log) {
		log.Produce("x", "c").Fail(errors.New("refused"))
		log.Produce("x", "c").Return(history.At(2))
		log.Final("n1", rec(0, "a"), rec(1, "b"), rec(2, "c"))
	}, history.LogConfig{}, "", ""},
	{"what retention took", func(log *history.Log) {
		log.Final("n1", rec(1, "b"))
		log.Final("n2", rec(0, "x"), rec(1, "b"))
	}, history.LogConfig{Start: 1}, "", ""},
	{"a node that is looked at again", func(log *history.Log) {
		log.Final("n1", rec(0, "a"))
		log.Final("n1", rec(0, "a"), rec(1, "b"))
	}, history.LogConfig{}, "", ""},
}

func TestWhatIsFound(t *testing.T) {
	for _, c := range logCases {
		t.Run(c.name, func(t *testing.T) {
			log := acknowledged("a", "b")
			c.tell(log)
			report := log.Check(c.config)
			if got := kindsOf(report); got != c.want || (report.Err() == nil) != (c.want == "") {
				t.Fatalf("found %q, want %q: %v", got, c.want, report.Err())
			}
			if c.line != "" && report.Findings[0].String() != c.line {
				t.Errorf("got  %v\nwant %v", report.Findings[0], c.line)
			}
		})
	}
}

func TestAHistoryWithNothingToCheckDoesNotPass(t *testing.T) {
	var nobody, unread, unproduced history.Log
	unread.Produce("w", "a").Return(history.At(0))
	unread.Read("r", 0).Unknown()
	unproduced.Read("r", 0).Return(history.Records())
	for name, log := range map[string]*history.Log{"zero": &nobody, "unread": &unread, "unproduced": &unproduced} {
		if err := log.Check(history.LogConfig{}).Err(); !errors.Is(err, history.ErrNothing) {
			t.Errorf("%s: got %v, want ErrNothing", name, err)
		}
		if err := log.Check(history.LogConfig{AllowEmpty: true}).Err(); err != nil {
			t.Errorf("%s: allowed, and yet: %v", name, err)
		}
	}
}

func TestAHistoryThatCannotBeJudgedDoesNotPass(t *testing.T) {
	twice := acknowledged("a", "a")
	twice.Final("n1", rec(0, "a"))
	cut := &history.Log{}
	cut.Limit = 2
	cut.Produce("w", "a").Return(history.At(0))
	cut.Final("n1", rec(0, "a"))
	cut.Produce("w", "b").Return(history.At(1))
	odd := acknowledged("a")
	odd.Call("w", history.LogOp{Kind: "truncate"}).Return(history.At(0))
	for want, log := range map[string]*history.Log{
		"produce the same value": twice, "1 operations were dropped": cut, "of no kind": odd,
	} {
		err := log.Check(history.LogConfig{AllowEmpty: true}).Err()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestFindingsAreBoundedAndCounted(t *testing.T) {
	log := acknowledged("a", "b", "c", "d")
	log.Final("n1")
	report := log.Check(history.LogConfig{Keep: 2})
	if len(report.Findings) != 2 || report.Count(history.Lost) != 4 {
		t.Errorf("kept %d of %d, want 2 of 4", len(report.Findings), report.Count(history.Lost))
	}
	if err := report.Err(); !strings.Contains(err.Error(), "4 lost\n") {
		t.Errorf("the error does not count: %v", err)
	}
	if report.Produced != 4 || report.Observed != 0 {
		t.Errorf("checked %d produces, %d records; want 4, 0", report.Produced, report.Observed)
	}
}
