// gRPC whose reads are cut into pieces.

package interop_test

import (
	"testing"

	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

func TestGRPCReadsWhateverThePieces(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy vnet.ReadPolicy
		secure bool
	}{
		{"of one byte", vnet.AtMost(1), false},
		{"of one byte, TLS", vnet.AtMost(1), true},
		{"of seven bytes", vnet.AtMost(7), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
				client := testgrpc.NewTestServiceClient(serveGRPC(t, c.secure).client("app"))
				interop.DoEmptyUnaryCall(t.Context(), client)
				for conn := range t.Conns() {
					conn.Client().SetReadPolicy(c.policy)
					conn.Server().SetReadPolicy(c.policy)
				}
				interop.DoCustomMetadata(t.Context(), client)
				interop.DoSpecialStatusMessage(t.Context(), client)
				interop.DoEmptyStream(t.Context(), client)
			})
		})
	}
}
