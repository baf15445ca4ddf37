// What a miss says: to the program as a status, to a person as an entry to paste.

package grpcreplay_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

func TestAMissIsAStatusWithTheNearestCallsAndAnEntryToPaste(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
		c.UnaryCall(t.Context(), put("book"))
	})
	s := must2(grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone, AllowUnused: true}))
	_, err := grpc_testing.NewTestServiceClient(s.Conn()).UnaryCall(t.Context(), put("pen"))
	st := status.Convert(err)
	if st.Code() != codes.FailedPrecondition || !strings.Contains(st.Message(), "payload.body") {
		t.Errorf("the status is %v", st)
	}
	if len(st.Details()) != 1 {
		t.Fatalf("its details are %v", st.Details())
	}
	near := st.Details()[0].(*structpb.Struct).AsMap()["nearest"].([]any)[0].(map[string]any)
	if near["call"] != 1.0 || near["used"] != false || len(near["differences"].([]any)) != 1 {
		t.Errorf("the nearest call is %v", near)
	}
	miss, ok := errors.AsType[*grpcreplay.MismatchError](s.Close())
	if !ok {
		t.Fatal("Close does not return the miss")
	}

	// Pasted, under a number of its own, it answers the same call.
	b := must2(os.ReadFile(file))
	entry := strings.Replace(miss.Entry(), "call NEW", "call 99", 1)
	entry = strings.Replace(entry, "← OK", "← {\"username\": \"by hand\"}\n  ← OK", 1)
	edited := strings.Replace(string(b), "\ntimes\n", "\n"+entry+"\ntimes\n", 1)
	if err := os.WriteFile(file, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	s = must2(grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone, AllowUnused: true}))
	m, err := grpc_testing.NewTestServiceClient(s.Conn()).UnaryCall(t.Context(), put("pen"))
	if err != nil || m.GetUsername() != "by hand" {
		t.Errorf("pasted, it answers %v, %v\n%s", m, err, edited)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
