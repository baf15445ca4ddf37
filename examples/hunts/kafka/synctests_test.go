// The sweeps of franz-go, which are built with a tag of its own.

//go:build !synctests

package kafka_test

import (
	"os/exec"
	"testing"
)

// franz-go holds mutexes while it waits for answers, where the clock of a
// bubble stands still. With the tag synctests its mutexes are channels.
func TestTheSweepsOfFranzGo(t *testing.T) {
	again := exec.CommandContext(t.Context(), "go", "test", "-tags=synctests", "-run=Idempotent|AGroup", ".")
	if told, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, told)
	}
}
