// A bubble that cannot end: told, and contained in its test.

package vnettest

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
)

// contain runs a bubble. When its goroutines can never go on, synctest panics
// on the goroutine that called it, which is this one and outside: everything
// else in the process is as it should be, so contain returns what the panic
// says, and the test can fail as others do. What is left of the bubble lies
// still for ever: its clock has stopped and its network is closed.
func contain(bubble func()) (deadlock string) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if deadlock = deadlockOf(p); deadlock == "" {
			panic(p)
		}
	}()
	bubble()
	return ""
}

// deadlockOf returns what synctest says of a bubble that cannot go on; of any
// other panic it is "". The runtime's type for it is not exported.
func deadlockOf(p any) string {
	err, ok := p.(error)
	if !ok || !strings.HasPrefix(fmt.Sprintf("%T", p), "runtime.") || !strings.HasPrefix(err.Error(), "deadlock: ") {
		return ""
	}
	return err.Error()
}

// stuck runs when the bubble's deadline passes: nobody can go on, or timers
// go on for ever. It says who waits for what and ends the network.
func (r *record) stuck(t *testing.T, n *vnet.Network) {
	held := ""
	if n.Holding() {
		held = "The network is held: only what steps it (Step, Drain, Await, Together) lets anything arrive.\n"
	}
	t.Errorf("vnettest: the bubble's deadline passed: the test still waits, at %s.\n%s%s",
		time.Now().UTC().Format(time.DateTime), held, bubbleStacks(r.bubbleName()))
	n.Close()
}

// bubbleName names the run's bubble; before that began it is "".
func (r *record) bubbleName() string {
	if name := r.bubble.Load(); name != nil {
		return *name
	}
	return ""
}

// bubbleStacks returns the goroutines of the bubble of that name, without the
// one that asks.
func bubbleStacks(bubble string) string {
	var all []string
	for g := range strings.SplitSeq(allStacks(), "\n\n") {
		m := header.FindStringSubmatch(g)
		if m != nil && inHeader.FindString(m[3]) == bubble && m[2] != "running" {
			all = append(all, g)
		}
	}
	return strings.Join(all, "\n\n")
}

// arguments are a frame's, as numbers, at its end.
var arguments = regexp.MustCompile(`\((?:0x[^()]*|\.\.\.)?\)$`)

// remaining tells which goroutines of the bubble are left when it is over,
// who started each, and what it waits for.
func (r *record) remaining() string {
	var b strings.Builder
	b.WriteString("goroutines that outlived the test, though its network is closed; close their clients:\n")
	for g := range strings.SplitSeq(bubbleStacks(r.bubbleName()), "\n\n") {
		frames := strings.Split(g, "\n")
		if len(frames) < 2 {
			continue
		}
		maker := "the test"
		for _, f := range frames {
			if by, found := strings.CutPrefix(f, "created by "); found {
				maker, _, _ = strings.Cut(by, " in goroutine")
			}
		}
		waits, _, _ := strings.Cut(header.FindStringSubmatch(g)[2], " (durable)")
		fmt.Fprintf(&b, "  %s, started by %s, waits: %s\n", arguments.ReplaceAllString(frames[1], ""), maker, waits)
	}
	return b.String()
}

// panicking tells whether a panic is under way on this goroutine.
func panicking() bool {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if f.Function == "runtime.gopanic" {
			return true
		}
		if !more {
			return false
		}
	}
}
