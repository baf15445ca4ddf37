// The arguments of children that others start.

package again_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/internal/again"
)

func TestAChildOfOthersRunsExactlyTheTestAndPrintsForPeople(t *testing.T) {
	binary := exec.CommandContext(t.Context(), os.Args[0], again.Arguments("TestNobody/at all", time.Minute)...)
	out, err := binary.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "no tests to run") || strings.Contains(string(out), "\x16") {
		t.Errorf("%v\n%s", err, out)
	}
}
