// The test of visits, with one import line changed.

package visits_test

import (
	"context"
	"flag"
	"testing"
	"time"

	"cloud.google.com/go/bigtable"
	"cloud.google.com/go/bigtable/bttest"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/rehearse-go/rehearse/compat/rpcreplay"
	"github.com/rehearse-go/rehearse/interop/rpcreplay/migration/visits"
)

var (
	record = flag.Bool("record", false, "record anew")
	file   = flag.String("file", "../testdata/visits.replay", "the recording")
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
	if !*record {
		rep, err := rpcreplay.NewReplayer(*file)
		must(t, err)
		t.Cleanup(func() { rep.Close() })
		conn, err := rep.Connection()
		must(t, err)
		var now time.Time
		must(t, now.UnmarshalBinary(rep.Initial()))
		return conn, now
	}
	now := time.Now().UTC()
	initial, err := now.MarshalBinary()
	must(t, err)
	rec, err := rpcreplay.NewRecorder(*file, initial)
	must(t, err)
	conn, err := grpc.NewClient(serve(t),
		append(rec.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	must(t, err)
	t.Cleanup(func() { must(t, rec.Close()) })
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
