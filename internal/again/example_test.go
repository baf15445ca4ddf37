// A subtest run again, as the documentation shows it.

package again_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/internal/again"
)

func ExampleRun() {
	_ = func(t *testing.T) {
		r := again.Run(t.Context(), "TestTransfer/3:2", again.Config{Timeout: time.Minute})
		switch {
		case !r.Found:
			t.Fatalf("no such subtest:\n%s", r.Output)
		case r.Failed:
			t.Logf("it fails again; go on by hand:  %s", again.Command("TestTransfer/3:2"))
		}
	}
}

func ExamplePattern() {
	fmt.Println(again.Pattern("TestTransfer/1.5s"))
	// Output: ^TestTransfer$/^1\.5s$
}
