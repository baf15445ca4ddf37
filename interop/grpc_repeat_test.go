// gRPC clients, stepped, do the same in every run.

package interop_test

import (
	"fmt"
	"sync"
	"testing"

	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// callers are three gRPC clients on hosts of their own, each making calls of
// different sizes one after the other. It returns when all are answered.
func callers(t *vnettest.T, s grpcService) {
	var all sync.WaitGroup
	for i := range 3 {
		client := testgrpc.NewTestServiceClient(s.client(fmt.Sprintf("app%d", i)))
		all.Go(func() {
			for k := range 5 {
				size := int32(1000*i + 100*k)
				resp, err := client.UnaryCall(t.Context(), &testgrpc.SimpleRequest{
					ResponseSize: size, Payload: &testgrpc.Payload{Body: make([]byte, 10*k)},
				})
				if err != nil || len(resp.GetPayload().GetBody()) != int(size) {
					t.Errorf("client %d, call %d: %d bytes, %v", i, k, len(resp.GetPayload().GetBody()), err)
				}
			}
		})
	}
	all.Wait()
}

func TestThreeSteppedGRPCClientsDoTheSameEveryTime(t *testing.T) {
	for _, c := range []struct {
		name   string
		config vnettest.Config
	}{
		{"in the order of names", vnettest.Config{Held: true}},
		{"in the order a seed chooses", vnettest.Config{Held: true, Net: vnet.Config{Order: vnet.Shuffled(7)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			vnettest.Repeat(t, c.config, vnettest.Throughout, func(t *vnettest.T) {
				s := serveGRPC(t, false)
				stepping(t, func() { callers(t, s) })
			})
		})
	}
}

// Goroutines that race for one connection get their turns as the scheduler
// likes, so the bytes differ; the shape does not.
func TestFourGoroutinesOnOneGRPCConnectionDoTheSameInShape(t *testing.T) {
	vnettest.Repeat(t, vnettest.Config{Held: true}, vnettest.InShape, func(t *vnettest.T) {
		client := testgrpc.NewTestServiceClient(serveGRPC(t, false).client("app"))
		stepping(t, func() {
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for range 5 {
						if _, err := client.EmptyCall(t.Context(), &testgrpc.Empty{}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
		})
	})
}
