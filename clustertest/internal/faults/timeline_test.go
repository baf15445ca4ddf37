// When faults begin and end, and which must not meet.

package faults_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/clustertest/internal/faults"
)

// spell writes a timeline: "+0@1s" where fault 0 begins, "-0@2s" where it ends.
func spell(moments []faults.Moment) string {
	var b strings.Builder
	for _, m := range moments {
		sign := "+"
		if m.End {
			sign = "-"
		}
		fmt.Fprintf(&b, "%s%d@%v ", sign, m.Index, m.At)
	}
	return strings.TrimSpace(b.String())
}

func TestATimelineTellsBeginsAndEndsInOrder(t *testing.T) {
	for _, c := range []struct{ name, list, want string }{
		{"nothing", "", ""},
		{"one", "1s+2s part a", "+0@1s -0@3s"},
		{"one without an end", "1s part a", "+0@1s"},
		{"one that is momentary", "1s reset a", "+0@1s"},
		{"a list that is not sorted", "2s+1s part a; 1s+3s part b", "+1@1s +0@2s -0@3s -1@4s"},
		{"ends come before begins", "2s+1s crash a; 1s+1s crash a", "+1@1s -1@2s +0@2s -0@3s"},
		{"begins at one instant keep their order", "1s restart a; 1s+1s crash a; 1s reset b",
			"+0@1s +1@1s +2@1s -1@2s"},
		{"ends at one instant too", "2s+1s part b; 1s+2s part a", "+1@1s +0@2s -0@3s -1@3s"},
	} {
		if got := spell(faults.Timeline(read(c.list))); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

var abc = []string{"a", "b", "c"}

func TestConflictsAreFound(t *testing.T) {
	for _, c := range []struct {
		name string
		list faults.List
		want string // "" for none
	}{
		{"nothing", nil, ""},
		{"one after the other", read("1s+1s crash a; 2s+1s kill a; 3s restart a"), ""},
		{"two nodes", read("1s+5s crash a; 2s+5s crash b"), ""},
		{"networks overlap", read("1s+5s part a; 2s+5s part a; 2s cut a b; 1s link a b loss=1; 2s+1s crash a"), ""},
		{"disks overlap", read("1s disk a sync eio; 2s disk a sync eio; 2s+1s crash a"), ""},
		{"a connection's hosts", read("1s reset x>y:80#0"), ""},

		{"crashed twice", read("1s+5s crash a; 2s+1s crash a"),
			`fault 1, "2s+1s crash a": a is not there for it: fault 0, "1s+5s crash a", is in force`},
		{"whatever the list's order", read("2s+1s crash a; 1s+5s crash a"), `fault 0, "2s+1s crash a"`},
		{"in a list of hosts", read("1s+5s crash c,b; 2s+1s kill a,b"), "b is not there for it"},
		{"never started again", read("1s crash a; 9h kill a"), `"1s crash a", is in force`},
		{"a restart of a crashed node", read("1s+5s crash a; 2s restart a"), `"2s restart a"`},
		{"also at once", read("1s+5s crash a; 1s restart a"), `"1s restart a"`},
		{"paused and stopped", read("1s+5s pause a; 2s+1s stop a"), `"2s+1s stop a"`},
		{"two clocks", read("1s+5s clock a 2; 2s+1s clock a 3"), `"2s+1s clock a 3"`},
		{"a clock of who has no power", read("1s+5s poweroff a; 2s+1s clock a 3"), `"2s+1s clock a 3"`},

		{"an unknown node", read("1s crash d"), `there is no host "d", only a, b, c`},
		{"an unknown other", read("1s cut a b,d"), `there is no host "d"`},
		{"an unknown address", read("1s full d:80"), `there is no host "d"`},
		{"no fault", faults.List{{At: 1, What: "crush a"}}, `fault 0, "1ns crush a": at byte 4: no kind`},
		{"time before the begin", faults.List{{At: -1, What: "crash a"}}, "is not a time"},
		{"a negative length", faults.List{{At: 1, For: -1, What: "crash a"}}, "is not a time"},
		{"another spelling", faults.List{{At: 1, What: "crash  a"}}, `it is written "1ns crash a"`},
		{"two faults in one", faults.List{{At: 1, What: "disk a x; 1s crash b"}}, "holds what cannot be printed"},
	} {
		err := faults.Conflicts(c.list, abc)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if err := faults.Conflicts(read("1s crash d"), nil); err != nil {
		t.Errorf("names were checked against none: %v", err)
	}
}

func TestALostMajorityIsFound(t *testing.T) {
	five := strings.Fields("a b c d e")
	for text, kept := range map[string]bool{
		"":                                          true,
		"1s+5s crash a; 2s+5s crash b":              true,
		"1s+5s crash a,b,c":                         false,
		"1s+5s crash a; 2s+5s kill b; 3s stop c":    false,
		"1s+1s crash a,b; 2s+1s crash c,d":          true,
		"1s+1s crash a,b; 2s restart c":             true,
		"1s+2s crash a,b; 2s restart c":             false,
		"1s part a,b":                               true,
		"1s part a,b; 2s part c":                    false,
		"1s part c,d,e":                             false, // nobody reaches them
		"1s part c,d,e a,b":                         true,
		"1s part c,d,e a,b; 2s part a,b; 3s stop a": true,
		"1s part a,b c,d,e; 2s stop c":              false,
		"1s cut a,b c,d,e; 2s pause a":              true,
		"1s cut c,d,e a,b; 2s pause c":              false,
		"1s part a,b c,d; 2s stop d":                true, // e bridges them
		"1s part a,b c,d; 2s pause e":               false,
		"1s part a b; 2s part a c":                  true,
		"1s part a b; 2s part a c; 3s stop d":       true,
		"1s part a b; 2s part d c":                  true,
		"1s part a b; 2s part d c; 3s stop e":       false,
		"1s part a b,c; 2s part b d; 3s part c e":   true, // without b and c, and a is not the one to leave out
		"1s ring a,b,c,d,e":                         false,
		"1s ring a,b,c,d":                           true,
		"1s ring a,b,c,d; 2s stop e":                false,
		"1s part client; 2s part a,b client":        true,
		"1s link a b,c,d,e loss=1; 1s slow b 1; 1s clock c 9; 1s reset d": true,
		"1s disk a full; 2s full b:80; 3s poweroff c":                     false,
		"1s+1s disk a,b slow 1s; 3s crash c":                              true,
		"1s+1s disk a,b sync lie; 3s crash c":                             false,
		"1s disk a,b flip; 3s crash c":                                    false,
		"1s+1s disk a,b sync eio lie; 3s crash c":                         true,
		"1s+1s disk a,b sync eio flip; 3s crash c":                        true,
		"1s+1s disk a,b flip wal 3 4; 3s crash c":                         false,
		"3s disk c flip; 1s+1s crash a,b":                                 true,
	} {
		err := faults.Majority(read(text), five)
		if (err == nil) != kept {
			t.Errorf("%q: %v, want it kept: %v", text, err, kept)
		}
		if err != nil && !strings.Contains(err.Error(), "with it no 3 of 5 nodes are well") {
			t.Errorf("%q: %v", text, err)
		}
		if brute, at := majorityKept(read(text), five); brute != kept {
			t.Errorf("%q: counted out it is %v at %v", text, brute, at)
		}
	}
	for text, kept := range map[string]bool{"1s crash a": false, "1s part a b": false, "1s reset a": true} {
		if err := faults.Majority(read(text), []string{"a", "b"}); (err == nil) != kept {
			t.Errorf("of two, %q: %v", text, err)
		}
	}
	if err := faults.Majority(faults.List{{What: "crush a"}}, five); err == nil {
		t.Error("what is no fault leaves a majority")
	}
}
