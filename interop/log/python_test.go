// A client in Python.

package log_test

import (
	"os/exec"
	"strings"
	"testing"
)

// What calls.py sees, but for the code of an offset that is not in the log.
const transcript = `
produce 0
consume 0 b'hello' 0 0
produce stream [1, 2, 3]
consume stream [(0, b'hello'), (1, b'0'), (2, b'1'), (3, b'2')]
produce 4
consume stream 4 b'late'
99 CODE True
nobody PERMISSION_DENIED True
servers [('n0', True, True)]
services ['grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection', 'log.v1.Log']
methods ['Produce', 'Consume', 'ConsumeStream', 'ProduceStream', 'GetServers']
the ancestor's fields that are not served: []
`

func TestPythonIsServedToo(t *testing.T) {
	const python = "/usr/bin/python3" // Debian's, which has Debian's packages
	if exec.CommandContext(t.Context(), python, "-c", "import grpc").Run() != nil {
		t.Skip("python3-grpcio is not installed")
	}
	for _, c := range []struct {
		name, code string
		flags      []string
	}{
		{"the ancestor's code, which grpcio does not know", "UNKNOWN", nil},
		{"gRPC's own code", "OUT_OF_RANGE", []string{"--canonical-codes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			served := start(t, 1, c.flags...)
			cmd := exec.CommandContext(within(t), python, "calls.py", served.nodes[0].address, served.certs)
			var complaint strings.Builder
			cmd.Stderr = &complaint
			out, err := cmd.Output()
			want := strings.Replace(strings.TrimPrefix(transcript, "\n"), "CODE", c.code, 1)
			if err != nil || string(out) != want {
				t.Errorf("%v\n%s\nit saw\n%s\nand was to see\n%s", err, complaint.String(), out, want)
			}
		})
	}
}
