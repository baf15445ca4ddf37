// The plan of the house: which room may import which, held against go list.

package rehearse_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/rehearse-go/rehearse"

// A room is a package of this module with what lies beneath it.
type room struct {
	name    string
	floor   int
	imports string // the rooms it may import, all on lower floors
	outside string // the modules or packages, not of the standard library, it may import
	testing bool   // it may link package testing, which no command should
}

// rooms is policy, also for rooms that are still to be built. A change here
// is a decision: write it down in docs/decisions.
var rooms = []room{
	{
		name: "commitlogtest", floor: 5,
		imports: "clustertest commitlog history linear journal vdisk vnet", testing: true,
		outside: "google.golang.org/grpc", // what clients are told are its statuses
	},
	{name: "clustertest", floor: 4, imports: "vnet vdisk vnettest journal rule internal", testing: true},
	{name: "vnettest", floor: 3, imports: "vnet journal rule internal", testing: true},
	{name: "linear", floor: 3, imports: "history", outside: "github.com/anishathalye/porcupine"},
	{
		name: "compat", floor: 3, imports: "grpcreplay",
		outside: "google.golang.org/grpc google.golang.org/protobuf",
	},
	{
		name: "cmd/rehearse", floor: 3,
		imports: "journal rule vnet vdisk kafkatest grpcreplay traceview commitlog",
		outside: "github.com/spf13/cobra go.yaml.in/yaml/v4 " +
			"github.com/twmb/franz-go/pkg/kmsg github.com/twmb/franz-go/pkg/kerr " +
			"github.com/twmb/franz-go/pkg/kversion " +
			"github.com/fsnotify/fsnotify github.com/bufbuild/protocompile " +
			"google.golang.org/grpc google.golang.org/protobuf go.opentelemetry.io/proto/otlp",
	},
	{name: "vnet", floor: 2, imports: "journal rule internal"},
	{name: "vdisk", floor: 2, imports: "journal rule internal"},
	{
		name: "kafkatest", floor: 2, imports: "journal rule",
		outside: "github.com/twmb/franz-go/pkg/kmsg github.com/twmb/franz-go/pkg/kerr " +
			"github.com/twmb/franz-go/pkg/kversion " +
			"github.com/klauspost/compress github.com/pierrec/lz4/v4",
	},
	{
		name: "grpcreplay", floor: 2, imports: "journal rule",
		outside: "google.golang.org/grpc google.golang.org/protobuf",
	},
	{name: "traceview", floor: 2, imports: "journal"},
	{name: "history", floor: 2, imports: "journal"},
	{name: "journal", floor: 1},
	{name: "rule", floor: 1},
	{name: "internal", floor: 1}, // what no user sees: shrinking, and running a test again
	{
		name: "commitlog", floor: 1,
		outside: "go.etcd.io/raft/v3 github.com/hashicorp/serf github.com/hashicorp/memberlist " +
			"github.com/casbin/casbin google.golang.org/grpc google.golang.org/protobuf " +
			"google.golang.org/genproto/googleapis/rpc",
	},
	{name: ".", floor: 0},
}

// Tests may import what their room may, and besides:
//
//   - a few modules that only tests need;
//   - in an external test package (package x_test), every room on their own
//     floor and below, and, from the second floor up, vnettest: a room's
//     behaviour is shown on a network. Nothing else goes upwards.
const testOutside = "github.com/google/go-cmp github.com/rogpeppe/go-internal " +
	"pgregory.net/rapid github.com/anishathalye/porcupine github.com/chromedp"

// standardOnly names the rooms whose tests, too, need the standard library
// alone, so that using them moves nothing in anyone's go.mod.
const standardOnly = "journal rule internal vnet vdisk history vnettest clustertest ."

// A pkg is what go list says of a package.
type pkg struct {
	ImportPath, Name, Dir              string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
	Deps                               []string // of the package itself, however far away
}

func TestEveryRoomImportsOnlyWhatItsRowNames(t *testing.T) {
	for _, goos := range []string{"linux", "darwin", "windows"} {
		for _, p := range goList(t, goos) {
			p.Deps = withoutStrays(goos, p.Deps)
			for _, complaint := range offences(rooms, p) {
				t.Errorf("GOOS=%s: %s\n\tthe plan is the table in house_test.go", goos, complaint)
			}
		}
	}
}

// withoutStrays forgives what is none of ours: go-sockaddr, beneath memberlist,
// has a file for Windows whose name was to make it a test and does not.
func withoutStrays(goos string, deps []string) []string {
	if goos != "windows" || !slices.Contains(deps, "github.com/hashicorp/go-sockaddr") {
		return deps
	}
	return slices.DeleteFunc(deps, func(d string) bool { return d == "testing" })
}

func TestThePlanItselfFallsDownwards(t *testing.T) {
	for _, complaint := range planOffences(rooms) {
		t.Error(complaint)
	}
}

// goList describes the packages of this module, as built for goos.
func goList(t *testing.T, goos string) []pkg {
	t.Helper()
	const fields = "ImportPath,Name,Dir,GoFiles,Imports,TestImports,XTestImports,Deps"
	list := exec.CommandContext(t.Context(), "go", "list", "-json="+fields, "./...")
	list.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	out, err := list.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("go list ./...: %v\n%s", err, exit.Stderr)
	}
	if err != nil {
		t.Fatalf("go list ./...: %v", err)
	}
	var packages []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := dec.Decode(&p)
		if err == io.EOF {
			return packages
		}
		if err != nil {
			t.Fatalf("go list ./... answered with something else than JSON: %v", err)
		}
		packages = append(packages, p)
	}
}

// offences says where p departs from the plan, a sentence for each place.
func offences(plan []room, p pkg) (complaints []string) {
	r, ok := roomOf(plan, p.ImportPath)
	if !ok {
		return []string{p.ImportPath + " has no row in the plan: give its room one"}
	}
	own := allowed{r.name, words(r.name, r.imports), words(r.outside)}
	for _, imp := range p.Imports {
		complaints = own.check(complaints, plan, p.ImportPath, imp)
	}
	inside := own.forTests()
	for _, imp := range p.TestImports {
		complaints = inside.check(complaints, plan, p.ImportPath+" (test)", imp)
	}
	external := inside.forExternalTests(plan, r)
	for _, imp := range p.XTestImports {
		complaints = external.check(complaints, plan, p.ImportPath+" (external test)", imp)
	}
	if !r.testing && slices.Contains(p.Deps, "testing") {
		complaints = append(complaints, p.ImportPath+" links package testing: take a small TB interface of its own")
	}
	return complaints
}

// allowed is what some code of a room may import.
type allowed struct {
	room           string
	rooms, outside []string
}

func (a allowed) forTests() allowed {
	if !slices.Contains(words(standardOnly), a.room) {
		a.outside = append(slices.Clip(a.outside), words(testOutside)...)
	}
	return a
}

func (a allowed) forExternalTests(plan []room, r room) allowed {
	a.rooms = slices.Clone(a.rooms)
	for _, other := range plan {
		if other.floor <= r.floor || r.floor >= 2 && other.name == "vnettest" {
			a.rooms = append(a.rooms, other.name)
		}
	}
	return a
}

// check appends a complaint if imp is not allowed.
func (a allowed) check(complaints []string, plan []room, who, imp string) []string {
	if r, ok := roomOf(plan, imp); ok {
		if !slices.Contains(a.rooms, r.name) {
			return append(complaints,
				fmt.Sprintf("%s imports the room %s; it may import %s", who, r.name, listed(a.rooms)))
		}
		return complaints
	}
	within := func(outside string) bool { return isWithin(imp, outside) }
	if isStandard(imp) || slices.ContainsFunc(a.outside, within) {
		return complaints
	}
	return append(complaints,
		fmt.Sprintf("%s imports %s; outside the module it may import %s", who, imp, listed(a.outside)))
}

// planOffences says where the table contradicts itself.
func planOffences(plan []room) (complaints []string) {
	for i, r := range plan {
		if slices.ContainsFunc(plan[:i], func(o room) bool { return o.name == r.name }) {
			complaints = append(complaints, r.name+" has two rows")
		}
		for _, name := range words(r.imports) {
			if wrong := arrowOffence(plan, r, name); wrong != "" {
				complaints = append(complaints, fmt.Sprintf("%s may import %s, which %s", r.name, name, wrong))
			}
		}
	}
	return complaints
}

// arrowOffence says what is wrong with r importing the room of that name.
func arrowOffence(plan []room, r room, name string) string {
	at := slices.IndexFunc(plan, func(o room) bool { return o.name == name })
	switch {
	case at < 0:
		return "has no row"
	case plan[at].floor >= r.floor:
		return "is not on a lower floor"
	case plan[at].testing && !r.testing:
		return "links testing, as " + r.name + " may not"
	default:
		return ""
	}
}

// roomOf finds the room of a package of this module by its longest name.
func roomOf(plan []room, importPath string) (room, bool) {
	if !isWithin(importPath, modulePath) {
		return room{}, false
	}
	for _, r := range plan {
		whole := path.Join(modulePath, r.name)
		if importPath == whole || r.name != "." && isWithin(importPath, whole) {
			return r, true
		}
	}
	return room{}, false
}

func isWithin(importPath, root string) bool {
	return importPath == root || strings.HasPrefix(importPath, root+"/")
}

// isStandard holds for packages of the standard library: their first element
// has no dot in it, which the module system forbids everyone else.
func isStandard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

func words(lists ...string) []string { return strings.Fields(strings.Join(lists, " ")) }

func listed(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
