// Secrets never reach the disk, and a replay with the real ones fits all the same.

package grpcreplay_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/journal"
)

// secretText are secrets as they stand in what the program sends and gets.
var secretText = []string{
	"hunter2-of-the-header", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "open-sesame",
	"sk_live_4eC39HqLyjWDarjtT1zdp7dc",
}

// secretive makes calls with a secret in every place, and tells what it sees.
func secretive(x *attempt) {
	ctx := metadata.AppendToOutgoingContext(x.ctx,
		"authorization", "Bearer "+secretText[0], "cookie", "id="+secretText[0])
	m, err := x.shop.UnaryCall(ctx, put("the token is "+secretText[1]))
	x.add("%v %v", m != nil, err)
	_, err = x.shop.UnaryCall(ctx, &grpc_testing.SimpleRequest{ResponseStatus: &grpc_testing.EchoStatus{
		Code: 7, Message: "no access with " + secretText[3]}})
	x.add("%v", status.Code(err))
	s := must(x, must2(structpb.NewStruct(map[string]any{"password": secretText[2], "user": "me"})), nil)
	err = x.cc.Invoke(ctx, "/vault.Vault/Open", s, new(structpb.Struct))
	x.add("%v", status.Code(err))
	stream := must(x, must2(x.shop.FullDuplexCall(ctx)), nil)
	stream.Send(ask(secretText[1]))
	_, err = stream.Recv()
	x.add("%v", err)
	stream.CloseSend()
	stream.Recv()
	stream.Recv()
}

// vault describes a service that is not linked in.
func vault() *descriptorpb.FileDescriptorSet {
	file := protodesc.ToFileDescriptorProto(structpb.File_google_protobuf_struct_proto)
	return &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{file, {
		Name: proto.String("vault.proto"), Package: proto.String("vault"), Syntax: proto.String("proto3"),
		Dependency: []string{file.GetName()},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Vault"),
			Method: []*descriptorpb.MethodDescriptorProto{{
				Name: proto.String("Open"), InputType: proto.String(".google.protobuf.Struct"),
				OutputType: proto.String(".google.protobuf.Struct"),
			}}}},
	}}}
}

func TestSecretsNeverReachTheDisk(t *testing.T) {
	for _, recorded := range ways {
		for _, format := range []grpcreplay.Format{grpcreplay.Text, grpcreplay.Binary} {
			t.Run(string(format)+" by "+recorded.name, func(t *testing.T) {
				c := grpcreplay.Config{File: filepath.Join(t.TempDir(), "recording"), Format: format, Listen: listen,
					Mode: grpcreplay.ModeAll, Target: serve(t), Journal: new(journal.Journal), Schema: vault()}
				s := must(t, must2(grpcreplay.New(c)), nil)
				live := told(t, saga{name: "secrets", tell: secretive}, recorded.dial(t, s, c.Target))
				parts, _ := filepath.Glob(c.File + ".*.part")
				side := bytes.Join([][]byte{read(t, parts[0])}, nil)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				var told strings.Builder
				for _, e := range c.Journal.Tail(1000) {
					told.WriteString(e.String() + string(e.Body))
				}
				for where, b := range map[string][]byte{
					"side file": side, "file": read(t, c.File), "journal": []byte(told.String()),
				} {
					for _, secret := range secretText {
						if bytes.Contains(b, []byte(secret)) {
							t.Errorf("%s stands in the %s", secret, where)
						}
					}
				}
				if found := must(t, must2(must2(grpcreplay.Open(c.File)).Secrets()), nil); len(found) > 0 {
					t.Errorf("a scan finds %v", found)
				}
				for _, replayed := range ways {
					c.Journal = nil
					x := retold(t, saga{name: "secrets", tell: secretive}, replayed, c, "")
					same(t, "replayed by "+replayed.name, live.lines, x.lines)
				}
			})
		}
	}
}

func TestRedactionCanBeSwitchedOff(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recording.journal")
	s := must(t, must2(grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeAll,
		Redact: grpcreplay.Redact{Off: true}})), nil)
	asTenant(t, dial(t, open(t), s.DialOptions()...), "acme", "authorization", "Bearer "+secretText[0])
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(read(t, file), []byte(secretText[0])) {
		t.Error("it is redacted all the same")
	}
	asTenant(t, dial(t, nobody, replayed(t, file).DialOptions()...), "acme", "authorization", "Bearer "+secretText[0])
}

func TestAnAllowListKeepsOnlyItsKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recording.journal")
	s := must(t, must2(grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeAll,
		Redact: grpcreplay.Redact{Allow: []string{"tenant"}}})), nil)
	asTenant(t, dial(t, open(t), s.DialOptions()...), "acme", "x-private", "mine alone")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for call := range must(t, must2(grpcreplay.Open(file)), nil).Calls() {
		if len(call.Metadata["tenant"]) != 1 || call.Metadata.Get("x-private")[0] == "mine alone" {
			t.Errorf("it has %v", call.Metadata)
		}
	}
}

func TestBeforeSeesAndChangesEveryPart(t *testing.T) {
	hide := func(m *grpcreplay.Message) error {
		switch m.Part {
		case grpcreplay.Opening, grpcreplay.Headers:
			m.Metadata.Set("changed", "by hand")
		case grpcreplay.Request, grpcreplay.Response:
			p, err := m.Proto()
			if err != nil {
				return err
			}
			b := must(t, must2(proto.Marshal(p)), nil)
			m.Bytes = bytes.ReplaceAll(b, []byte("private"), []byte("PRIVATE"))
		case grpcreplay.Outcome:
			m.Metadata.Set("changed", "at the end")
			if s := m.Status; s.Code() != codes.OK {
				m.Status = status.New(s.Code(), strings.ReplaceAll(s.Message(), "private", "PRIVATE"))
			}
		}
		return nil
	}
	program := func(c grpc_testing.TestServiceClient) []string {
		m, err := c.UnaryCall(t.Context(), put("private"))
		_, failed := c.UnaryCall(t.Context(), &grpc_testing.SimpleRequest{
			ResponseStatus: &grpc_testing.EchoStatus{Code: 5, Message: "private"}})
		return append(echoed(t, c, "private"), seen(m, err), fails(failed))
	}
	for _, by := range ways {
		t.Run(by.name, func(t *testing.T) {
			c := grpcreplay.Config{File: filepath.Join(t.TempDir(), "recording.bin"), Mode: grpcreplay.ModeAll,
				Target: serve(t), Before: hide, Listen: listen}
			s := must(t, must2(grpcreplay.New(c)), nil)
			live := program(grpc_testing.NewTestServiceClient(by.dial(t, s, c.Target)))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(strings.Join(live, ""), "PRIVATE") {
				t.Errorf("the program itself sees what was changed: %q", live)
			}
			if b := read(t, c.File); bytes.Contains(b, []byte("private")) || bytes.Count(b, []byte("by hand")) < 5 {
				t.Errorf("the file is\n%q", b)
			}
			c.Mode, c.Target = grpcreplay.ModeNone, ""
			again := grpcreplay.Start(t, c)
			want := strings.ReplaceAll(strings.Join(live, "\n"), "private", "PRIVATE")
			got := strings.Join(program(grpc_testing.NewTestServiceClient(by.dial(t, again, nobody))), "\n")
			if got != want {
				t.Errorf("replayed it is\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestAnErrorOfBeforeEndsTheCall(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) { c.UnaryCall(t.Context(), put("a")) })
	refuse := errors.New("not this one")
	for _, mode := range []grpcreplay.Mode{grpcreplay.ModeAll, grpcreplay.ModeNone} {
		for _, part := range []grpcreplay.Part{grpcreplay.Request, grpcreplay.Response, grpcreplay.Outcome} {
			if mode == grpcreplay.ModeNone && part != grpcreplay.Request {
				continue // only what is matched is shown
			}
			s := must(t, must2(grpcreplay.New(grpcreplay.Config{File: file, Mode: mode, AllowUnused: true,
				Before: func(m *grpcreplay.Message) error {
					if m.Part == part {
						return refuse
					}
					return nil
				}})), nil)
			_, err := dial(t, open(t), s.DialOptions()...).UnaryCall(t.Context(), put("a"), grpc.WaitForReady(true))
			if err == nil || !strings.Contains(err.Error(), refuse.Error()) {
				t.Errorf("in mode %s, refused is the %s, the call ends by %v", mode, part, err)
			}
			s.Discard()
		}
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}
