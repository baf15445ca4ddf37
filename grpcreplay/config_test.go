// What a Config says that makes no sense is told.

package grpcreplay_test

import (
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

func TestASchemaThatMakesNoSenseIsTold(t *testing.T) {
	c := grpcreplay.Config{
		File: filepath.Join(t.TempDir(), "recording.journal"),
		Schema: &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
			{
				Name:        proto.String("pay.proto"),
				MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("no name")}},
			},
		}},
	}
	_, replaying := c.Read(strings.NewReader("rehearse grpc 1\n"))
	_, recording := grpcreplay.NewRecorder(c)
	c.Mode = grpcreplay.ModeAll
	_, serving := grpcreplay.New(c)
	for _, err := range []error{replaying, recording, serving} {
		if err == nil || !strings.Contains(err.Error(), "Config.Schema") {
			t.Errorf("the error is %v", err)
		}
	}
	if left, _ := filepath.Glob(c.File + "*"); len(left) > 0 {
		t.Errorf("it leaves %q behind", left)
	}
}
