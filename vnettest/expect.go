// What the test demands of the network: this segment next, or never, or a condition.

package vnettest

import (
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/rule"
	"github.com/rehearse-go/rehearse/vnet"
)

// Expect delivers the next segment, the one that Step would take first, and
// ends the test when it is not as w says or when nothing waits.
func (t *T) Expect(w rule.When[vnet.Segment]) vnet.Segment {
	t.Helper()
	for seg := range t.Waiting() {
		if !w(seg) {
			t.Fatalf("vnettest: the next segment is another one\n%s", t.listWaiting())
		}
		return t.mustDeliver(seg)
	}
	t.Fatal("vnettest: a segment was expected and none waits")
	return vnet.Segment{}
}

// Pick delivers the first of the waiting segments that is as w says, past all
// others, and ends the test when there is none.
func (t *T) Pick(w rule.When[vnet.Segment]) vnet.Segment {
	t.Helper()
	seg, ok := t.Allow(w)
	if !ok {
		t.Fatalf("vnettest: no segment waits as it was expected\n%s", t.listWaiting())
	}
	return seg
}

// Allow is Pick for a segment that need not be there.
func (t *T) Allow(w rule.When[vnet.Segment]) (vnet.Segment, bool) {
	t.Helper()
	for seg := range t.Waiting() {
		if w(seg) {
			return t.mustDeliver(seg), true
		}
	}
	return vnet.Segment{}, false
}

func (t *T) mustDeliver(seg vnet.Segment) vnet.Segment {
	t.Helper()
	if err := t.Deliver(seg.ID); err != nil {
		t.Fatal(err)
	}
	return seg
}

func (t *T) listWaiting() string {
	var b strings.Builder
	for seg := range t.Waiting() {
		fmt.Fprintf(&b, "  waits %v\n", seg)
	}
	return b.String()
}

// Never fails the test when a segment is sent that is as w says, from now
// until stop is called.
func (t *T) Never(w rule.When[vnet.Segment]) (stop func()) {
	return t.NamedRule(neverRule, func(seg vnet.Segment) (vnet.Verdict, bool) {
		if w(seg) {
			t.Errorf("vnettest: this was never to be sent: %v\n  %s", seg, clip(string(seg.Data)))
		}
		return vnet.Verdict{}, false
	})
}

// Await returns when ok holds, asking it whenever something has happened on
// the network and the program rests; a held network is stepped meanwhile. It
// ends the test when ok does not hold within that much of the bubble's time.
// What changes without a word on the network is seen at the next event, or at
// the end.
func (t *T) Await(what string, within time.Duration, ok func() bool) {
	t.Helper()
	end := time.NewTimer(within)
	defer end.Stop()
	for over := false; ; {
		synctest.Wait()
		if ok() {
			return
		}
		if over {
			t.Fatalf("vnettest: awaited %s; it did not come within %v", what, within)
		}
		if t.Holding() {
			if _, stepped := t.TryStep(); stepped {
				continue
			}
		}
		select {
		case <-t.news:
		case <-t.News():
		case <-end.C:
			over = true
		}
	}
}
