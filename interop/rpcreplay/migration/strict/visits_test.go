// The test of visits, written for grpcreplay.

package visits_test

import (
	"context"
	"testing"
	"time"

	"cloud.google.com/go/bigtable"
	"cloud.google.com/go/bigtable/bttest"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/interop/rpcreplay/migration/visits"
)

func TestVisitsAreCounted(t *testing.T) {
	conn, now := connect(t)
	client, err := bigtable.NewClientWithConfig(t.Context(), "project", "instance",
		bigtable.ClientConfig{MetricsProvider: bigtable.NoopMetricsProvider{}}, option.WithGRPCConn(conn))
	must(t, err)
	defer client.Close()
	table := client.Open("pages")
	for _, page := range []string{"/a", "/a", "/b", "/a"} {
		_, err := visits.Count(t.Context(), table, page, now)
		must(t, err)
	}
	counts, err := visits.Visited(t.Context(), table, "/")
	must(t, err)
	if counts["/a"] != 3 || counts["/b"] != 1 || len(counts) != 2 {
		t.Errorf("the counts are %v", counts)
	}
}

// connect returns a connection that is recorded, or replayed, and the time of
// the recording.
func connect(t *testing.T) (*grpc.ClientConn, time.Time) {
	t.Helper()
	service := grpcreplay.Start(t, grpcreplay.Config{})
	now, target := time.Now().UTC(), "passthrough:///recording"
	if service.Mode() == grpcreplay.ModeNone {
		must(t, now.UnmarshalBinary(service.Initial()))
	} else {
		initial, err := now.MarshalBinary()
		must(t, err)
		must(t, service.SetInitial(initial))
		target = serve(t)
	}
	conn, err := grpc.NewClient(target,
		append(service.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	must(t, err)
	return conn, now
}

// serve starts the service with an empty table.
func serve(t *testing.T) string {
	t.Helper()
	srv, err := bttest.NewServer("localhost:0")
	must(t, err)
	t.Cleanup(srv.Close)
	conn, err := grpc.NewClient(srv.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	defer conn.Close()
	admin, err := bigtable.NewAdminClient(context.Background(), "project", "instance", option.WithGRPCConn(conn))
	must(t, err)
	must(t, admin.CreateTableFromConf(context.Background(), &bigtable.TableConf{
		TableID: "pages", Families: map[string]bigtable.GCPolicy{visits.Family: bigtable.MaxVersionsPolicy(1)},
	}))
	return srv.Addr
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
