// Subtests run again: passing, failing, crashing, hanging, missing.

package again_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/internal/again"
)

var depth = flag.Int("depth", 0, "an argument of this test binary's own")

// TestChild has the subtests that are run again; only children run them.
func TestChild(t *testing.T) {
	if !again.Inside() {
		return
	}
	for name, f := range map[string]func(*testing.T){
		"passes":                    func(t *testing.T) { t.Log("so far so good") },
		"passes, and a wider name":  func(t *testing.T) { t.Error("not asked for") },
		"prints without a line end": func(*testing.T) { fmt.Print("and here") },
		"imitates": func(t *testing.T) {
			fmt.Print("--- PASS: TestChild/imitates (0.00s)\n")
			t.Error("--- PASS: TestChild/imitates (0.00s)")
		},
		"is skipped":            func(t *testing.T) { t.Skip("not today") },
		"fails":                 func(t *testing.T) { t.Fatal("no") },
		"panics":                func(*testing.T) { panic("out of cheese") },
		"panics elsewhere":      func(*testing.T) { go panic("out of cheese"); select {} },
		"ends the process well": func(*testing.T) { os.Exit(0) },
		"hangs":                 func(*testing.T) { select {} },
		"prints much": func(t *testing.T) {
			fmt.Print(strings.Repeat("some of it\n", 100_000), "the end\n")
			t.Fail()
		},
		"prints one long line": func(*testing.T) { fmt.Print(strings.Repeat("x", 300_000)) },
		"inherits": func(t *testing.T) {
			t.Log("mood", os.Getenv("MOOD"), "depth", *depth)
		},
	} {
		t.Run(name, f)
	}
}

func TestWhatBecameOfASubtestIsTold(t *testing.T) {
	for _, c := range []struct {
		name string
		want again.Result // Output is part of it
	}{
		{"passes", again.Result{Found: true, Output: "so far so good"}},
		{"prints without a line end", again.Result{Found: true, Output: "and here"}},
		{"prints one long line", again.Result{Found: true}},
		{"imitates", again.Result{Found: true, Failed: true, Output: "imitates"}},
		{"is skipped", again.Result{Found: true, Output: "not today"}},
		{"fails", again.Result{Found: true, Failed: true, Output: "no"}},
		{"panics", again.Result{Found: true, Failed: true, Crashed: true, Output: "panic: out of cheese"}},
		{"panics elsewhere", again.Result{Found: true, Failed: true, Crashed: true, Output: "panic: out of cheese"}},
		{"ends the process well", again.Result{Found: true, Failed: true, Crashed: true}},
		{"hangs", again.Result{Found: true, Failed: true, Hung: true, Output: "test timed out"}},
		{"prints much", again.Result{Found: true, Failed: true, Output: "some of it\nthe end\n"}},
		{"is not there", again.Result{}},
		{"inherits", again.Result{Found: true, Output: "mood good depth 7"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config := again.Config{Args: []string{"-depth=7"}, Env: []string{"MOOD=good"}, Timeout: time.Minute}
			if c.want.Hung {
				config.Timeout = time.Second
			}
			name := "TestChild/" + strings.ReplaceAll(c.name, " ", "_")
			got := again.Run(t.Context(), name, config)
			if !strings.Contains(got.Output, c.want.Output) {
				t.Errorf("it prints %q\nwant %q in it", got.Output, c.want.Output)
			}
			if len(got.Output) > 64<<10 {
				t.Errorf("%d bytes of output are kept", len(got.Output))
			}
			got.Output, c.want.Output = "", ""
			if got != c.want {
				t.Errorf("it is told as %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAContextThatEndsEndsTheChild(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := again.Run(ctx, "TestChild/hangs", again.Config{}); got.Found {
		t.Errorf("a child of an ended context is told as %+v", got)
	}
}

func TestThisProcessIsNoChild(t *testing.T) {
	if again.Inside() {
		t.Error("Inside holds in the process that go test started")
	}
}

func TestAChildThatKeepsIsNotInside(t *testing.T) {
	if os.Getenv("KEEPS") != "" {
		t.Logf("inside: %v", again.Inside())
		return
	}
	for _, keep := range []bool{false, true} {
		got := again.Run(t.Context(), t.Name(), again.Config{Env: []string{"KEEPS=1"}, Keep: keep})
		if want := fmt.Sprintf("inside: %v", !keep); !got.Found || !strings.Contains(got.Output, want) {
			t.Errorf("with Keep %v it prints %q", keep, got.Output)
		}
	}
}
