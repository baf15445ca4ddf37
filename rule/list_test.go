// The list: order, removal, rules that change the list they are in, tallies.

package rule_test

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rehearse-go/rehearse/rule"
)

// says returns a rule that notes its name and decides name if decided.
func says(asked *[]string, name string, decided bool) rule.Rule[int, string] {
	return func(int) (string, bool) {
		*asked = append(*asked, name)
		return name, decided
	}
}

func always(v string) rule.Rule[int, string] { return rule.Then[int](nil, v) }

func TestTheZeroListPassesEverything(t *testing.T) {
	var l rule.List[int, string]
	if v, ok := l.Decide(1); ok || v != "" {
		t.Errorf("Decide = %q, %v; want no decision", v, ok)
	}
	if !l.Empty() || l.Len() != 0 || len(l.Stats()) != 0 || l.String() != "no rules" {
		t.Errorf("Empty %v, Len %d, Stats %v, String %q", l.Empty(), l.Len(), l.Stats(), l.String())
	}
}

func TestRulesAreAskedInOrderOfAddingUntilOneDecides(t *testing.T) {
	var l rule.List[int, string]
	var asked []string
	l.Add(says(&asked, "a", false))
	l.Add(says(&asked, "b", true))
	l.Add(says(&asked, "c", true))
	if v, ok := l.Decide(1); v != "b" || !ok {
		t.Errorf("Decide = %q, %v; want b", v, ok)
	}
	if got := strings.Join(asked, ""); got != "ab" {
		t.Errorf("asked %s, want ab", got)
	}
}

func TestTheVerdictOfARuleThatPassesIsNotLookedAt(t *testing.T) {
	var l rule.List[int, string]
	l.Add(func(int) (string, bool) { return "noise", false })
	if v, ok := l.Decide(1); ok || v != "" {
		t.Errorf("Decide = %q, %v; want no decision", v, ok)
	}
}

func TestRemoveTakesOutItsRuleOnlyAndOnlyOnce(t *testing.T) {
	var l rule.List[int, string]
	same := always("same")
	removeFirst := l.Add(same)
	l.Add(same)
	removeFirst()
	removeFirst()
	if l.Len() != 1 || l.Empty() {
		t.Fatalf("Len = %d, Empty = %v after removing one of two twice", l.Len(), l.Empty())
	}
	if v, ok := l.Decide(1); v != "same" || !ok {
		t.Errorf("Decide = %q, %v; the other rule is gone", v, ok)
	}
}

func TestAListIsEmptyAgainWhenTheLastRuleIsGone(t *testing.T) {
	var l rule.List[int, string]
	remove := l.Add(always("x"))
	remove()
	if _, ok := l.Decide(1); ok || !l.Empty() || l.Len() != 0 {
		t.Errorf("decided %v, Empty %v, Len %d; want an empty list", ok, l.Empty(), l.Len())
	}
}

func TestARuleMayRemoveItselfWhileItDecides(t *testing.T) {
	var l rule.List[int, string]
	var remove func()
	remove = l.Add(func(int) (string, bool) {
		remove()
		return "once", true
	})
	l.Add(always("later"))
	first, _ := l.Decide(1)
	second, _ := l.Decide(1)
	if first != "once" || second != "later" {
		t.Errorf("decisions %q, %q; want once, later", first, second)
	}
	if s := l.Stats(); len(s) != 1 || s[0].Name != "rule 2" {
		t.Errorf("Stats = %v; a rule that fired and went is not to be told", s)
	}
}

func TestARuleRemovedByAnEarlierOneIsNotAskedAnyMore(t *testing.T) {
	var l rule.List[int, string]
	var asked []string
	var remove func()
	l.Add(func(int) (string, bool) { remove(); return "", false })
	remove = l.Add(says(&asked, "b", true))
	if v, ok := l.Decide(1); ok || len(asked) > 0 {
		t.Errorf("Decide = %q, %v, asked %v; want the removed rule left alone", v, ok, asked)
	}
}

func TestARuleAddedByARuleIsAskedFromTheNextExchangeOn(t *testing.T) {
	var l rule.List[int, string]
	var once sync.Once
	l.Add(func(int) (string, bool) {
		once.Do(func() { l.Add(always("new")) })
		return "", false
	})
	if v, ok := l.Decide(1); ok {
		t.Errorf("first Decide = %q; want no decision", v)
	}
	if v, _ := l.Decide(2); v != "new" {
		t.Errorf("second Decide = %q; want new", v)
	}
}

func TestAddRefusesANilRule(t *testing.T) {
	defer func() {
		if r := recover(); r != "rule: Add of a nil Rule" {
			t.Errorf("recovered %v", r)
		}
	}()
	new(rule.List[int, string]).Add(nil)
	t.Error("Add returned")
}

func TestStatsTellWhatEachRuleDid(t *testing.T) {
	var l rule.List[int, string]
	l.AddNamed("lose the second", rule.Then(even.Nth(2), "lose"))
	l.Add(rule.Then(even, "even"))
	l.AddNamed("never reached", always("all"))
	removeUnused := l.AddNamed("gone unused", always("gone"))
	for i := range 4 {
		l.Decide(2 * i)
	}
	removeUnused()
	want := []rule.Stat{
		{Name: "lose the second", Asked: 4, Fired: 1},
		{Name: "rule 2", Asked: 3, Fired: 3},
		{Name: "never reached"},
		{Name: "gone unused", Removed: true},
	}
	if got := l.Stats(); !reflect.DeepEqual(got, want) {
		t.Errorf("Stats = %+v\nwant    %+v", got, want)
	}
	wantText := "lose the second: asked 4 times, fired once\n" +
		"rule 2: asked 3 times, fired 3 times\n" +
		"never reached: never asked\n" +
		"gone unused: never asked, removed"
	if got := l.String(); got != wantText {
		t.Errorf("String:\n%s\nwant:\n%s", got, wantText)
	}
}

func TestAStatThatNeverFiredSaysSo(t *testing.T) {
	got := rule.Stat{Name: "x", Asked: 1}.String()
	if want := "x: asked once, never fired"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAListRemembersABoundedNumberOfUnusedRules(t *testing.T) {
	var l rule.List[int, string]
	for i := range 1000 {
		l.AddNamed(fmt.Sprint(i), always("x"))()
	}
	s := l.Stats()
	if len(s) != 64 || s[0].Name != "0" || s[63].Name != "63" {
		t.Errorf("%d stats kept, want the first 64", len(s))
	}
}

func TestRulesThatFiredMakeRoomForUnusedOnes(t *testing.T) {
	var l rule.List[int, string]
	for range 100 {
		var remove func()
		remove = l.Add(func(int) (string, bool) { remove(); return "x", true })
		l.Decide(1)
	}
	l.AddNamed("unused", always("x"))()
	if s := l.Stats(); len(s) != 1 || s[0].Name != "unused" {
		t.Errorf("Stats = %v, want the unused rule alone", s)
	}
}

func TestManyGoroutinesMayAddAskAndRemove(t *testing.T) {
	var l rule.List[int, string]
	var decided atomic.Int64
	l.AddNamed("every third", rule.Then(all.Every(3), "x"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 300 {
				remove := l.Add(rule.Then(all.Not(), "never"))
				if _, ok := l.Decide(i); ok {
					decided.Add(1)
				}
				remove()
				_ = l.Stats()
			}
		})
	}
	wg.Wait()
	if got := decided.Load(); got != 400 || l.Len() != 1 {
		t.Errorf("%d of 1200 decided, want 400; %d rules left, want 1", got, l.Len())
	}
}

func TestAnEmptyListCostsNoMemory(t *testing.T) {
	var l rule.List[int, string]
	if n := testing.AllocsPerRun(100, func() { l.Decide(1) }); n != 0 {
		t.Errorf("Decide on an empty list allocates %v times", n)
	}
	l.Add(rule.Then(even.Nth(2), "x"))
	if n := testing.AllocsPerRun(100, func() { l.Decide(1) }); n != 0 {
		t.Errorf("Decide on one rule allocates %v times", n)
	}
}
