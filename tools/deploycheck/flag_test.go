// The flags that the checker knows, held against those of the command.

package deploycheck

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

func TestTheFlagsAreThoseOfTheCommand(t *testing.T) {
	source, err := os.ReadFile("../../cmd/rehearse/log_config.go")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"config-file"} // which is no field
	for _, tag := range regexp.MustCompile(`flag:"([a-z-]+)"`).FindAllSubmatch(source, -1) {
		want = append(want, string(tag[1]))
	}
	known := slices.Sorted(slices.Values(flags))
	if slices.Sort(want); !slices.Equal(known, want) {
		t.Errorf("the checker knows  %q\nthe command has    %q", known, want)
	}
}
