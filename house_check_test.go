// The checker of the plan, checked: each way to depart from it is found.

package rehearse_test

import (
	"slices"
	"strings"
	"testing"
)

// small is a plan with one room of each sort.
var small = []room{
	{name: "vnettest", floor: 3, imports: "vnet", testing: true},
	{name: "cmd/tool", floor: 3, imports: "vnet", outside: "example.org/flags"},
	{name: "vnet", floor: 2, imports: "journal"},
	{name: "kafkatest", floor: 2, imports: "journal", outside: "example.org/codec"},
	{name: "journal", floor: 1},
	{name: "rule", floor: 1},
}

// ours spells a package of this module out.
func ours(name string) string { return modulePath + "/" + name }

func TestAPackageThatKeepsToThePlanIsLeftAlone(t *testing.T) {
	for _, p := range []pkg{
		{ImportPath: ours("journal"), Imports: []string{"fmt", "go/ast"}, TestImports: []string{"testing"}},
		{ImportPath: ours("vnet"), Imports: []string{ours("journal"), ours("vnet/internal/flow")}},
		{ImportPath: ours("vnet/internal/flow"), Imports: []string{ours("journal")}},
		{ImportPath: ours("vnet"), XTestImports: []string{ours("vnet"), ours("rule"), ours("vnettest")}},
		{ImportPath: ours("vnettest"), Imports: []string{"testing", ours("vnet")}, Deps: []string{"testing"}},
		{ImportPath: ours("cmd/tool"), Imports: []string{ours("vnet"), "example.org/flags/v2"}},
		{ImportPath: ours("kafkatest"), TestImports: []string{"github.com/google/go-cmp/cmp", "example.org/codec"}},
	} {
		if got := offences(small, p); len(got) > 0 {
			t.Errorf("%+v: %q", p, got)
		}
	}
}

func TestEachDepartureFromThePlanIsFound(t *testing.T) {
	for _, c := range []struct {
		name string
		pkg  pkg
		want string
	}{
		{"an arrow upwards", pkg{ImportPath: ours("journal"), Imports: []string{ours("vnet")}},
			"journal imports the room vnet; it may import journal"},
		{"a room its row does not name", pkg{ImportPath: ours("vnet"), Imports: []string{ours("rule")}},
			"vnet imports the room rule; it may import vnet, journal"},
		{"a room beneath that does", pkg{ImportPath: ours("vnet/internal/flow"), Imports: []string{ours("rule")}},
			"vnet/internal/flow imports the room rule"},
		{"an in-package test that does", pkg{ImportPath: ours("vnet"), TestImports: []string{ours("vnettest")}},
			"vnet (test) imports the room vnettest"},
		{"a test of the first floor that goes up",
			pkg{ImportPath: ours("rule"), XTestImports: []string{ours("vnettest")}},
			"rule (external test) imports the room vnettest"},
		{"a test that goes up past vnettest", pkg{ImportPath: ours("vnet"), XTestImports: []string{ours("cmd/tool")}},
			"vnet (external test) imports the room cmd/tool"},
		{"a foreign module", pkg{ImportPath: ours("vnet"), Imports: []string{"example.org/codec"}},
			"vnet imports example.org/codec; outside the module it may import nothing"},
		{"a foreign module with a like name",
			pkg{ImportPath: ours("kafkatest"), Imports: []string{"example.org/codecs"}},
			"kafkatest imports example.org/codecs; outside the module it may import example.org/codec"},
		{"a test's module outside tests",
			pkg{ImportPath: ours("kafkatest"), Imports: []string{"github.com/google/go-cmp/cmp"}},
			"kafkatest imports github.com/google/go-cmp/cmp"},
		{"a test's module in a room of the standard library",
			pkg{ImportPath: ours("vnet"), TestImports: []string{"github.com/google/go-cmp/cmp"}},
			"vnet (test) imports github.com/google/go-cmp/cmp"},
		{"another module of ours", pkg{ImportPath: ours("vnet"), Imports: []string{ours("tools")}},
			"vnet imports " + ours("tools")},
		{"testing, however far away", pkg{ImportPath: ours("cmd/tool"), Deps: []string{"fmt", "testing"}},
			"cmd/tool links package testing"},
		{"a room without a row", pkg{ImportPath: ours("cellar")},
			"cellar has no row in the plan"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := offences(small, c.pkg)
			if len(got) != 1 || !strings.Contains(got[0], c.want) {
				t.Errorf("found %q\nwant one with %q", got, c.want)
			}
		})
	}
}

func TestAPlanThatContradictsItselfIsFound(t *testing.T) {
	bad := []room{
		{name: "a", floor: 2, imports: "b c"},
		{name: "b", floor: 2, imports: "d"},
		{name: "d", floor: 1, testing: true},
		{name: "d", floor: 1, testing: true},
	}
	want := []string{
		"a may import b, which is not on a lower floor",
		"a may import c, which has no row",
		"b may import d, which links testing, as b may not",
		"d has two rows",
	}
	if got := planOffences(bad); !slices.Equal(got, want) {
		t.Errorf("found %q\nwant  %q", got, want)
	}
}

func TestGoListSeesTheRooms(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range goList(t, "linux") {
		r, _ := roomOf(rooms, p.ImportPath)
		seen[r.name] = true
	}
	for _, name := range []string{"journal", "rule", "."} {
		if !seen[name] {
			t.Errorf("go list ./... does not tell of %s: the plan is held against nothing", name)
		}
	}
}
