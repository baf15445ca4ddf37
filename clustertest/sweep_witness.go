// The witness: a second process that tells which seeds ran when the first ended.

package clustertest

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/internal/again"
)

// A witness is the sweep's side of it. A panic of a program's goroutine ends
// the process, and Go prints no test's name then: somebody else must know it.
// A nil witness is told nothing.
type witness struct {
	mu    sync.Mutex // a line is written at once
	in    io.WriteCloser
	child *exec.Cmd
}

// witnessVar is set in the witness's environment, to the name of its test.
const witnessVar = "REHEARSE_WITNESS"

// What the witness is told, a line each, with the name of a scenario.
const (
	began = "began" // or what is now known of it
	ended = "ended"
	over  = "over" // the sweep, without a name
)

// callWitness starts the witness, this test binary again. Where that cannot
// be done the sweep goes on without.
func callWitness(t *testing.T) *witness {
	t.Helper()
	binary, err := os.Executable()
	if err != nil || again.Inside() {
		return nil
	}
	child := exec.Command(binary, again.Arguments(t.Name(), 0)...)
	child.Env = append(os.Environ(), witnessVar+"="+t.Name(), promptly())
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		return nil
	}
	if err := child.Start(); err != nil {
		t.Logf("clustertest: a panic of a program will not tell its seed: %v", err)
		return nil
	}
	return &witness{in: in, child: child}
}

// tell tells the witness of a scenario that runs, again when more is known.
func (w *witness) tell(s scenario) { w.write(began + " " + s.String()) }

// forget tells it that the scenario has ended.
func (w *witness) forget(s scenario) { w.write(ended + " " + s.String()) }

// write writes one line. A witness that has gone hears nothing.
func (w *witness) write(line string) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	io.WriteString(w.in, line+"\n")
}

// dismiss ends the witness.
func (w *witness) dismiss() {
	if w == nil {
		return
	}
	w.write(over)
	w.in.Close()
	w.child.Wait()
}

// isWitness tells whether this process is the witness of the test's sweep.
func isWitness(t *testing.T) bool { return os.Getenv(witnessVar) == t.Name() }

// hearing is how long a witness shrinks what it saw: go test waits for what it
// prints, by default a minute.
const hearing = 30 * time.Second

// witness listens until the sweep is over or its process is.
func (w *sweep) witness() {
	w.t.Helper()
	os.Unsetenv(witnessVar) // what this process starts is no witness
	running, passed, done := listen(os.Stdin)
	if done {
		return
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), hearing)
	defer cancel()
	for _, s := range running {
		w.testify(ctx, s, passed)
	}
}

// testify tells of a scenario during which the process ended, at once what is
// known and then what shrinking it says.
func (w *sweep) testify(ctx context.Context, s scenario, passed uint64) {
	h := w.newHunt(ctx, passed, 0)
	name := h.test + "/" + scenario{seed: s.seed}.String()
	fmt.Fprintf(os.Stderr, "clustertest: the process ended during %s\nreplay  %s\n", name, again.Command(name))
	v := h.look(s, w.shrinkBudget())
	if isGone() {
		fmt.Fprintf(os.Stderr, "clustertest: go test has removed the test binary, as when no package is named\n"+
			"shrink  %s -rehearse.seed=%d\n", again.Command(h.test), s.seed)
		return
	}
	fmt.Fprintf(os.Stderr, "clustertest: %s: %s\n", name, v.text(h.test, s, h.replays))
}

// isGone tells whether this test binary cannot be run again.
func isGone() bool {
	binary, err := os.Executable()
	if err == nil {
		_, err = os.Stat(binary)
	}
	return err != nil
}

// listen returns the scenarios that were running at the end, by seed, a seed
// that had passed, or 0, and whether the sweep was over.
func listen(in io.Reader) (running []scenario, passed uint64, done bool) {
	all := map[uint64]scenario{}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		what, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		s, err := parseScenario(name)
		switch {
		case what == over:
			done = true
		case err != nil:
		case what == began:
			all[s.seed] = s
		case what == ended:
			delete(all, s.seed)
			passed = s.seed
		}
	}
	for _, s := range all {
		running = append(running, s)
	}
	slices.SortFunc(running, func(a, b scenario) int { return cmp.Compare(a.seed, b.seed) })
	return running, passed, done
}

// promptly lets a child that was built with the race detector end without the
// second's sleep by which others may still report; go test's own check, at the
// end of each test, needs none.
func promptly() string { return "GORACE=atexit_sleep_ms=0 " + os.Getenv("GORACE") }
