// The wire, held against the original's description.

package logv1_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

func TestTheOriginalsFieldsStandWhereTheyStood(t *testing.T) {
	messages := logv1.File_commitlog_logv1_log_proto.Messages()
	for _, want := range []string{
		"Record 1 value bytes", "Record 2 offset uint64", "Record 3 term uint64", "Record 4 type uint32",
		"ProduceRequest 1 record message", "ProduceResponse 1 offset uint64",
		"ConsumeRequest 1 offset uint64", "ConsumeResponse 2 record message",
		"GetServersResponse 1 servers message",
		"Server 1 id string", "Server 2 rpc_addr string", "Server 3 is_leader bool",
	} {
		var name, field, kind string
		var number protoreflect.FieldNumber
		if _, err := fmt.Sscan(want, &name, &number, &field, &kind); err != nil {
			t.Fatal(err)
		}
		f := messages.ByName(protoreflect.Name(name)).Fields().ByNumber(number)
		if f == nil || string(f.Name()) != field || f.Kind().String() != kind {
			t.Errorf("%s: field %d is %v", name, number, f)
		} else if f.IsList() != (field == "servers") || f.HasPresence() != (kind == "message" && field != "servers") {
			t.Errorf("%s: %s is a list, %v, or has presence, %v", name, field, f.IsList(), f.HasPresence())
		}
	}
}

func TestTheOriginalsMethodsAreCalledAsTheyWere(t *testing.T) {
	file := logv1.File_commitlog_logv1_log_proto
	log := file.Services().ByName("Log")
	if log.FullName() != "log.v1.Log" {
		t.Errorf("the service is %s", log.FullName())
	}
	for name, streams := range map[protoreflect.Name][2]bool{
		"Produce": {}, "Consume": {}, "ConsumeStream": {false, true}, "ProduceStream": {true, true}, "GetServers": {},
	} {
		m := log.Methods().ByName(name)
		if m == nil || m.IsStreamingClient() != streams[0] || m.IsStreamingServer() != streams[1] {
			t.Errorf("%s is %v", name, m)
		}
	}
}
