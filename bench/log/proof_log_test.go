// Every log keeps what it has acknowledged.

package log_test

import (
	"bytes"
	"fmt"
	"testing"
)

func TestEveryLogHasWhatItAcknowledgedAfterItWasClosed(t *testing.T) {
	for _, s := range logs {
		t.Run(s.name, func(t *testing.T) {
			dir := t.TempDir()
			l, err := s.open(dir)
			check(t, err)
			want := appendNumbered(t, l, 0)
			expectRecords(t, l, want)
			check(t, l.Close())

			l, err = s.open(dir)
			check(t, err)
			defer l.Close()
			expectRecords(t, l, want)
		})
	}
}

func TestTheLimitSyncsOnceForEachAppend(t *testing.T) {
	for _, open := range []func(string) (localLog, error){openLimit, openGrowing} {
		l, err := open(t.TempDir())
		check(t, err)
		defer l.Close()
		appendNumbered(t, l, 0)
		if got := l.(*rawFile).syncs; got != 13 {
			t.Errorf("%d syncs for 13 appends", got)
		}
	}
}

// appendNumbered makes ten appends of one record and three of 64, each record
// another, and returns all of them.
func appendNumbered(t *testing.T, l localLog, from int) (all [][]byte) {
	t.Helper()
	for range 10 {
		all = append(all, numbered(from+len(all)))
		check(t, l.Append(all[len(all)-1:]))
	}
	for range 3 {
		begin := len(all)
		for range 64 {
			all = append(all, numbered(from+len(all)))
		}
		check(t, l.Append(all[begin:]))
	}
	return all
}

// numbered is a record unlike any other; some are longer than a page.
func numbered(i int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "record %d;", i), 1+i%7*200)
}

func expectRecords(t *testing.T, l localLog, want [][]byte) {
	t.Helper()
	got, err := l.Records()
	check(t, err)
	if len(got) != len(want) {
		t.Fatalf("%d records were appended, %d are there", len(want), len(got))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("record %d is %.40q, not %.40q", i, got[i], want[i])
		}
	}
}
