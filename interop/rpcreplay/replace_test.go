// One replace line switches a program.

package rpcreplay_test

import (
	"os/exec"
	"testing"
)

func TestOneReplaceLineSwitchesAProgram(t *testing.T) {
	test := exec.CommandContext(t.Context(), "go", "test", "-count=1", "./...")
	test.Dir = "testdata/switched"
	if out, err := test.CombinedOutput(); err != nil {
		t.Errorf("go test: %v\n%s", err, out)
	}
}
