// The watch: notices from outside what a bubble cannot notice from within.

package vnettest

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long (of real time) a bubble may stand still before the
// watch looks into it, and then between looks.
const patience = time.Second

// warm makes one lookup outside of any bubble: the resolver's first use makes
// a channel that later lookups share, and a channel made in a bubble kills the
// process when it is used outside.
var warm = sync.OnceFunc(func() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	net.DefaultResolver.LookupHost(ctx, "localhost")
})

// prepare checks what a bubble needs.
func prepare(t *testing.T) {
	t.Helper()
	if inBubble() {
		t.Fatal("vnettest: Run inside a bubble; call it on a test outside of synctest.Test")
	}
	warm()
}

// inBubble tells whether the calling goroutine is in a bubble.
func inBubble() bool { return ownBubble() != "" }

// inHeader finds the name of a goroutine's bubble in the first line of its
// stack.
var inHeader = regexp.MustCompile(`synctest bubble \d+`)

// ownBubble names the bubble of the calling goroutine; outside of any it is "".
func ownBubble() string {
	var buf [256]byte
	head, _, _ := strings.Cut(string(buf[:runtime.Stack(buf[:], false)]), "\n")
	return inHeader.FindString(head)
}

// watch looks, in real time, for what makes a bubble hang: a goroutine in it
// that waits for a real socket, or for a mutex whose owner waits. Either keeps
// the bubble's clock from moving for ever, so the watch ends the process with
// an explanation. The returned function ends the watch.
func watch(t *testing.T, r *record) (stop func()) {
	done := make(chan struct{})
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		var before string
		for {
			select {
			case <-done:
				return
			case <-time.After(patience):
			}
			now := standstill(r.bubbleName())
			if now != "" && now == before {
				r.told = true
				panic(fmt.Sprintf("vnettest: %s hangs for good.\n%s\nseed %#x, journal so far: %s\n",
					t.Name(), now, r.seed, r.file.path))
			}
			before = now
		}
	}()
	return func() {
		close(done)
		<-finished
	}
}

// header is the first line of a goroutine's stack: its number, what it waits
// for, and the rest, which names its bubble.
var header = regexp.MustCompile(`^goroutine (\d+) (?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[([^\],]+)([^\]]*)\]:`)

// hanging are the states that keep a bubble's clock from moving.
var hanging = map[string]string{
	"IO wait":            "waits for a real socket, pipe or file",
	"syscall":            "is in a system call",
	"sync.Mutex.Lock":    mutexHeld,
	"sync.RWMutex.Lock":  mutexHeld,
	"sync.RWMutex.RLock": mutexHeld,
}

const mutexHeld = "waits for a mutex whose owner waits for something else"

// A culprit is told what to do instead.
const (
	adviceMutex  = "In a bubble a mutex must not be held over a wait: time stands still until it is free."
	adviceSocket = "Inside a bubble the network is virtual: instead of package net's functions dial and listen by\n" +
		"t.Host(name).Dial and Listen, and resolve names by t.Host(name).LookupHost."
)

// standstill describes the goroutines of the bubble of that name when one of
// them waits for something outside of the bubble and none, of any bubble,
// runs; else it is "".
func standstill(bubble string) string {
	culprit, others := "", 0
	for g := range strings.SplitSeq(allStacks(), "\n\n") {
		m := header.FindStringSubmatch(g)
		if m == nil {
			continue
		}
		state, of := m[2], inHeader.FindString(m[3])
		switch why, found := hanging[state]; {
		case of == "":
		case state == "running" || state == "runnable" || strings.Contains(g, ownWrite):
			return ""
		case of != bubble:
		case !found:
			others++
		case culprit == "" || state == "IO wait" && !strings.Contains(culprit, "real socket"):
			culprit = explain(m[1], why, g)
		}
	}
	if culprit == "" {
		return ""
	}
	return fmt.Sprintf("%s\n%d more goroutines of the bubble wait.", culprit, others)
}

// ownWrite is in the stack of who writes the journal's file, which a busy disk
// may take its time for.
const ownWrite = "vnettest.(*record).Write("

// explain tells what one goroutine waits for and what to do about it.
func explain(id, why, stack string) string {
	advice := adviceMutex
	if strings.Contains(why, "real socket") {
		advice = adviceSocket
	}
	_, frames, _ := strings.Cut(stack, "\n")
	return fmt.Sprintf("Goroutine %s %s, so the bubble's clock stands still.\n%s\n\n%s\n", id, why, advice, frames)
}

func allStacks() string {
	buf := make([]byte, 1<<20)
	for {
		if n := runtime.Stack(buf, true); n < len(buf) {
			return string(buf[:n])
		}
		buf = make([]byte, 2*len(buf))
	}
}
