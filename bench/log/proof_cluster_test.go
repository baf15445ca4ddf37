// Every cluster keeps what it has acknowledged, on each of its nodes.

package log_test

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"
)

func TestEveryNodeHasWhatItsClusterAcknowledged(t *testing.T) {
	for _, s := range clusters {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c, err := s.open(dir)
			check(t, err)
			check(t, produceAll(c, 100, numbered))
			check(t, c.Stop())
			check(t, produceAll(c, 100, func(i int) []byte { return numbered(100 + i) }))
			check(t, c.Restart())
			first := expectAll(t, c, 200)
			check(t, c.Close())

			c, err = s.open(dir)
			check(t, err)
			defer c.Close()
			if again := expectAll(t, c, 200); !equal(first, again) {
				t.Error("the records have another order after the cluster was closed and started again")
			}
		})
	}
}

// produceAll has 64 clients produce so many records.
func produceAll(c cluster, count int, record func(i int) []byte) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wait sync.WaitGroup
	for range 64 {
		wait.Go(func() {
			for i := next.Add(1); i <= int64(count) && failed.Load() == nil; i = next.Add(1) {
				if err := c.Produce(record(int(i) - 1)); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wait.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// expectAll wants each numbered record once, and all nodes to have them in one
// order, which it returns.
func expectAll(t *testing.T, c cluster, count int) (first [][]byte) {
	t.Helper()
	for node := range 3 {
		got, err := c.Records(node)
		check(t, err)
		if node == 0 {
			first = got
			expectEach(t, got, count)
		}
		if !equal(got, first) {
			t.Errorf("node %d has %d records, and not those of node 0, which has %d", node, len(got), len(first))
		}
	}
	return first
}

func expectEach(t *testing.T, got [][]byte, count int) {
	t.Helper()
	times := map[string]int{}
	for _, record := range got {
		times[string(record)]++
	}
	for i := range count {
		if n := times[string(numbered(i))]; n != 1 {
			t.Errorf("record %d was acknowledged, and is there %d times", i, n)
		}
	}
	if len(got) != count {
		t.Errorf("%d records were produced, %d are there", count, len(got))
	}
}

func equal(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}
