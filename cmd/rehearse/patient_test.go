// Logs that are read, and logs that nobody reads.

package main

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func TestALogThatIsReadIsWhole(t *testing.T) {
	var out, want bytes.Buffer
	p := newPatient(&out, time.Second)
	for i := range 10_000 {
		fmt.Fprintln(io.MultiWriter(p, &want), i)
	}
	p.close()
	if !bytes.Equal(out.Bytes(), want.Bytes()) {
		t.Errorf("%d bytes came, want %d", out.Len(), want.Len())
	}
}

func TestALogThatNobodyReadsHaltsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		p := newPatient(w, time.Second)
		begin := time.Now()
		for range 1000 {
			fmt.Fprintln(p, "line")
		}
		p.close()
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("took %v, want one wait for the writing and one for the end", took)
		}
		_ = r.Close() // which ends the goroutine
	})
}
