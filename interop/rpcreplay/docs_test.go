// The migration guide, held against the tests that it shows.

package rpcreplay_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	theirrpc "cloud.google.com/go/rpcreplay"
	theirgrpc "github.com/google/go-replayers/grpcreplay"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

const guide = "../../docs/from-rpcreplay.md"

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	must(t, err)
	return string(b)
}

func TestTheGuideShowsTestsThatRun(t *testing.T) {
	code := read(t, "migration/after/visits_test.go") + read(t, "migration/strict/visits_test.go")
	shown := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, guide), -1)
	if len(shown) != 2 {
		t.Errorf("the guide shows %d pieces of code", len(shown))
	}
	for _, s := range shown {
		if !strings.Contains(code, s[1]) {
			t.Errorf("no test has\n%s", s[1])
		}
	}
}

func TestOneImportLineIsAllThatChanges(t *testing.T) {
	const first = "package visits_test\n"
	_, before, _ := strings.Cut(read(t, "migration/before/visits_test.go"), first)
	_, after, _ := strings.Cut(read(t, "migration/after/visits_test.go"), first)
	changed := regexp.MustCompile("(?s)```diff\n-(.*?)\n\\+(.*?)\n```").FindStringSubmatch(read(t, guide))
	if len(changed) != 3 {
		t.Fatal("the guide shows no line that changes")
	}
	was, is := changed[1]+"\n", changed[2]+"\n"
	if !strings.Contains(before, was) || strings.Replace(before, was, "", 1) != strings.Replace(after, is, "", 1) {
		t.Error("the tests differ in more than the line that the guide shows")
	}
}

func TestTheMigratedTestRecordsAnew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "visits.replay")
	for _, args := range [][]string{{"-record"}, nil} {
		args = append([]string{"test", "-count=1", "./migration/after", "-file", file}, args...)
		if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
	const second = "call 2  google.bigtable.v2.Bigtable/ReadModifyWriteRow"
	if recording := read(t, file); !strings.Contains(recording, second) {
		t.Errorf("the recording is\n%s", recording)
	}
}

// The guide's table names what there is in each of the three.
func TestTheGuideNamesWhatThereIs(t *testing.T) {
	types := map[string][]reflect.Type{
		"Recorder":        {reflect.TypeFor[*theirrpc.Recorder](), reflect.TypeFor[*theirgrpc.Recorder]()},
		"Replayer":        {reflect.TypeFor[*theirrpc.Replayer](), reflect.TypeFor[*theirgrpc.Replayer]()},
		"RecorderOptions": {reflect.TypeFor[*theirgrpc.RecorderOptions]()},
		"ReplayerOptions": {reflect.TypeFor[*theirgrpc.ReplayerOptions]()},
		"Config":          {reflect.TypeFor[*grpcreplay.Config]()},
		"Recording":       {reflect.TypeFor[*grpcreplay.Recording]()},
	}
	named := regexp.MustCompile("`(Recorder|Replayer|RecorderOptions|ReplayerOptions|Config|Recording)\\.([A-Z]\\w*)")
	found := named.FindAllStringSubmatch(read(t, guide), -1)
	if len(found) < 20 {
		t.Errorf("the guide names %d things; was it read right?", len(found))
	}
	for _, m := range found {
		if !anyHas(types[m[1]], m[2]) {
			t.Errorf("there is no %s.%s", m[1], m[2])
		}
	}
}

func anyHas(types []reflect.Type, name string) bool {
	for _, t := range types {
		_, method := t.MethodByName(name)
		_, field := t.Elem().FieldByName(name)
		if method || field {
			return true
		}
	}
	return false
}

func TestTheGuideCountsTheSuitesRight(t *testing.T) {
	text := strings.Join(strings.Fields(read(t, guide)), " ")
	replayers, google := suites["grpcreplay"], suites["rpcreplay"]
	for _, want := range []string{
		fmt.Sprintf("all %d of go-replayers v1.5.1 and", len(replayers.passes)),
		fmt.Sprintf("all %d of rpcreplay v0.123.0", len(google.passes)),
		fmt.Sprintf("The other %d and %d test readers", len(replayers.inside), len(google.inside)),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the guide does not say %q", want)
		}
	}
}
