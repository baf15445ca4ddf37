// How rules read in a test, as the documentation shows it.

package rule_test

import (
	"fmt"
	"strings"

	"github.com/rehearse-go/rehearse/rule"
)

func Example() {
	type request struct{ to, path string }
	var rules rule.List[request, string]

	toPay := rule.When[request](func(r request) bool { return r.to == "pay" })
	refund := rule.When[request](func(r request) bool { return strings.HasPrefix(r.path, "/refund") })

	remove := rules.AddNamed("second refund fails", rule.Then(toPay.And(refund).Nth(2), "UNAVAILABLE"))
	defer remove()

	for _, path := range []string{"/refund/1", "/status", "/refund/2", "/refund/3"} {
		if verdict, decided := rules.Decide(request{"pay", path}); decided {
			fmt.Println(path, verdict)
		}
	}
	fmt.Println(&rules)
	// Output:
	// /refund/2 UNAVAILABLE
	// second refund fails: asked 4 times, fired once
}

func ExampleWhen_Chance() {
	var lost rule.List[int, string]
	lost.Add(rule.Then(rule.When[int](nil).Chance(0.25, 42), "lost"))
	for n := range 12 {
		if verdict, decided := lost.Decide(n); decided {
			fmt.Println(n, verdict)
		}
	}
	// Output:
	// 3 lost
	// 5 lost
	// 6 lost
	// 8 lost
	// 11 lost
}

func ExampleList_Stats() {
	var rules rule.List[int, string]
	rules.AddNamed("slow disk", rule.Then(rule.When[int](nil).After(10), "wait"))
	rules.AddNamed("full disk", rule.Then[int](nil, "ENOSPC"))
	rules.Decide(1)
	for _, s := range rules.Stats() {
		if s.Fired == 0 {
			fmt.Println("never happened:", s)
		}
	}
	// Output: never happened: slow disk: asked once, never fired
}
