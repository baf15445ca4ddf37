// Witnesses: of a process that ends too early, and of one that does not.

package again_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/internal/again"
)

const scene = "REHEARSE_TEST_SCENE"

// TestScene is what the child processes run.
func TestScene(t *testing.T) {
	how := os.Getenv(scene)
	if how == "" {
		return
	}
	if running := again.Testimony(t.Name()); len(running) > 0 {
		fmt.Fprintf(os.Stderr, "the witness saw %q %d %s\n", running, *depth, os.Getenv("MOOD"))
		return
	}
	w := again.CallWitness(t.Name(), again.Config{Args: []string{"-depth=7"}, Env: []string{"MOOD=good"}})
	defer w.Dismiss()
	for _, name := range []string{"one", "two", "three"} {
		w.Began(name)
		if name != "two" {
			w.Ended(name)
		}
	}
	switch how {
	case "panics":
		go panic("out of cheese")
		select {}
	case "exits":
		os.Exit(0)
	case "ends between":
		w.Ended("two")
		os.Exit(0)
	case "fails":
		t.Fatal("in an ordinary way")
	}
}

func TestAWitnessTellsWhatRan(t *testing.T) {
	const saw = `the witness saw ["two"] 7 good`
	for how, want := range map[string]string{
		"panics": saw, "exits": saw, "ends between": "", "fails": "", "passes": "",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			run := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestScene$", "-test.timeout=60s")
			run.Env = append(os.Environ(), scene+"="+how, "GORACE=atexit_sleep_ms=0")
			out, _ := run.CombinedOutput()
			if strings.Count(string(out), "the witness") != strings.Count(want, "the witness") ||
				!strings.Contains(string(out), want) {
				t.Errorf("want %q of the witness:\n%s", want, out)
			}
		})
	}
}

func TestNoWitnessIsToldNothing(t *testing.T) {
	var none *again.Witness
	none.Began("one")
	none.Ended("one")
	none.Dismiss()
	if running := again.Testimony(t.Name()); running != nil {
		t.Errorf("this process is no witness, and saw %q", running)
	}
}
