// grpcurl, which knows of a service only what server reflection says.

package foreign_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/interop/grpc/services/stage"
)

func TestGrpcurlSeesTheSame(t *testing.T) {
	grpcurl := filepath.Join(t.TempDir(), "grpcurl")
	stage.Output(t, exec.CommandContext(t.Context(), "go", "build", "-o", grpcurl,
		"github.com/fullstorydev/grpcurl/cmd/grpcurl"))
	const service = "grpc.testing.TestService"
	lines := [][]string{
		{"ADDRESS", "list", service},
		{"ADDRESS", "describe", service},
		{"ADDRESS", "describe", "grpc.testing.SimpleRequest"},
		{"-d", `{"responseSize": 5}`, "ADDRESS", service + "/UnaryCall"},
		{"-v", "-H", "x-grpc-test-echo-initial: there", "-H", "x-grpc-test-echo-trailing-bin: AP8=",
			"-d", `{"responseSize": 2}`, "ADDRESS", service + "/UnaryCall"},
		{"-v", "-d", `{"responseStatus": {"code": 5, "message": "not here"}}`, "ADDRESS", service + "/UnaryCall"},
		{"-d", `{"responseParameters": [{"size": 1}, {"size": 2}]}`, "ADDRESS", service + "/StreamingOutputCall"},
		{"-d", `{"payload": {"body": "AQ=="}} {"payload": {"body": "AQID"}}`, "ADDRESS", service + "/StreamingInputCall"},
		{"-d", `{"responseParameters": [{"size": 1}]} {"responseParameters": [{"size": 2}, {"size": 3}]}`,
			"ADDRESS", service + "/FullDuplexCall"},
		{"-max-time", "0.3", "-d", `{"payload": {"body": "d2FpdA=="}}`, "ADDRESS", service + "/UnaryCall"},
		{"-d", `{}`, "ADDRESS", service + "/UnimplementedCall"},
	}
	stage.Perform(t, stage.Teller, func(t *testing.T, address string) string {
		list := stage.Output(t, exec.CommandContext(t.Context(), grpcurl, "-plaintext", address, "list"))
		if !strings.Contains(list, service+"\n") {
			t.Errorf("the services are\n%s", list)
		}
		var saw strings.Builder
		for _, line := range lines {
			args := append([]string{"-plaintext"}, line...)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "ADDRESS", address)
			}
			out, err := exec.CommandContext(t.Context(), grpcurl, args...).CombinedOutput()
			if line[0] == "-max-time" { // who notices first says it in its own words
				out, _, _ = bytes.Cut(out, []byte("  Message: "))
			}
			saw.WriteString(strings.Join(line, " ") + "\n" + string(out))
			if err != nil {
				saw.WriteString(err.Error() + "\n")
			}
		}
		return saw.String()
	})
}
