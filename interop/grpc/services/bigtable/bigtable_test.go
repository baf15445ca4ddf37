// Tables, mutations, rows and filters.

package bigtable_test

import (
	"fmt"
	"slices"
	"testing"

	"cloud.google.com/go/bigtable"
	"cloud.google.com/go/bigtable/bttest"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/rehearse-go/rehearse/interop/grpc/services/stage"
)

// start starts bttest.
func start(t testing.TB) (address string, stop func()) {
	t.Helper()
	s, err := bttest.NewServer("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return s.Addr, s.Close
}

func options(a *stage.Act) []option.ClientOption {
	opts := []option.ClientOption{option.WithEndpoint(a.Address), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))}
	for _, o := range a.Options {
		opts = append(opts, option.WithGRPCDialOption(o))
	}
	return opts
}

// table makes a table, and returns it as a client has it.
func table(a *stage.Act) *bigtable.Table {
	a.Helper()
	admin, err := bigtable.NewAdminClient(a.Context(), "p", "i", options(a)...)
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { admin.Close() })
	a.See("admin", "create %v", admin.CreateTable(a.Context(), "t"))
	a.See("admin", "again %v", admin.CreateTable(a.Context(), "t"))
	a.See("admin", "family %v", admin.CreateColumnFamily(a.Context(), "t", "f"))
	a.See("admin", "family %v", admin.SetGCPolicy(a.Context(), "t", "f", bigtable.MaxVersionsPolicy(3)))
	tables, err := admin.Tables(a.Context())
	a.See("admin", "tables %v %v", tables, err)
	err = admin.UpdateTableWithDeletionProtection(a.Context(), "t", bigtable.Unprotected)
	a.See("admin", "a long operation %v", err)
	info, err := admin.TableInfo(a.Context(), "t")
	a.See("admin", "info %+v %v", info, err)
	config := bigtable.ClientConfig{MetricsProvider: bigtable.NoopMetricsProvider{}}
	c, err := bigtable.NewClientWithConfig(a.Context(), "p", "i", config, options(a)...)
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { c.Close() })
	return c.Open("t")
}

func TestRowsAreTheSame(t *testing.T) {
	stage.Play(t, start, func(a *stage.Act) {
		rows := table(a)
		for i := range 10 {
			m := bigtable.NewMutation()
			m.Set("f", "n", bigtable.Timestamp(1000*i), fmt.Append(nil, i))
			m.Set("f", "kind", bigtable.Timestamp(1000), []byte([]string{"even", "odd"}[i%2]))
			a.See("program", "apply %v", rows.Apply(a.Context(), fmt.Sprint("row", i), m))
		}
		read(a, rows, bigtable.PrefixRange("row"))
		read(a, rows, bigtable.NewRange("row3", "row6"))
		read(a, rows, bigtable.RowList{"row1", "row7", "none"}, bigtable.RowFilter(bigtable.ColumnFilter("n")))
		read(a, rows, bigtable.InfiniteRange(""), bigtable.RowFilter(bigtable.ChainFilters(
			bigtable.ColumnFilter("kind"), bigtable.ValueFilter("odd"), bigtable.StripValueFilter())))
		read(a, rows, bigtable.InfiniteRange(""), bigtable.LimitRows(3))
		one, err := rows.ReadRow(a.Context(), "row5")
		a.See("program", "row %v %v", one, err)
		none, err := rows.ReadRow(a.Context(), "nowhere")
		a.See("program", "row %v %v", none, err)
		keys, err := rows.SampleRowKeys(a.Context())
		a.See("program", "sample %v %v", keys, err)
		gone := bigtable.NewMutation()
		gone.DeleteRow()
		a.See("program", "delete %v", rows.Apply(a.Context(), "row5", gone))
		read(a, rows, bigtable.PrefixRange("row"))
		one, err = rows.ReadRow(a.Context(), "row6")
		a.See("program", "row %v %v", one, err)
	})
}

// read sees rows, and stops at the eighth.
func read(a *stage.Act, t *bigtable.Table, which bigtable.RowSet, opts ...bigtable.ReadOption) {
	n := 0
	err := t.ReadRows(a.Context(), which, func(r bigtable.Row) bool {
		n++
		a.See("program", "read %v", r)
		return n < 8
	}, opts...)
	a.See("program", "read %d rows %v", n, err)
}

func TestMutationsAreTheSame(t *testing.T) {
	stage.Play(t, start, func(a *stage.Act) {
		rows := table(a)
		var keys []string
		var bulk []*bigtable.Mutation
		for i := range 20 {
			m := bigtable.NewMutation()
			m.Set([]string{"f", "unknown"}[i/19], "n", bigtable.Timestamp(1000), fmt.Append(nil, i))
			keys, bulk = append(keys, fmt.Sprint("bulk", i)), append(bulk, m)
		}
		each, err := rows.ApplyBulk(a.Context(), keys, bulk)
		a.See("program", "bulk %v %v", each, err)
		for range 3 {
			add := bigtable.NewReadModifyWrite()
			add.Increment("f", "count", 2)
			add.AppendValue("f", "text", []byte("x"))
			row, err := rows.ApplyReadModifyWrite(a.Context(), "counter", add)
			for _, items := range row {
				for i := range items {
					items[i].Timestamp = 0
				}
				slices.SortFunc(items, func(x, y bigtable.ReadItem) int { return len(x.Column) - len(y.Column) })
			}
			a.See("program", "count %v %v", row, err)
		}
		yes, no := bigtable.NewMutation(), bigtable.NewMutation()
		yes.Set("f", "was", bigtable.Timestamp(1000), []byte("there"))
		no.Set("f", "was", bigtable.Timestamp(1000), []byte("not there"))
		for _, key := range []string{"bulk1", "fresh"} {
			var matched bool
			m := bigtable.NewCondMutation(bigtable.ColumnFilter("n"), yes, no)
			err := rows.Apply(a.Context(), key, m, bigtable.GetCondMutationResult(&matched))
			a.See("program", "if %v %v", matched, err)
		}
		bad := bigtable.NewMutation()
		bad.Set("unknown", "n", bigtable.Timestamp(1000), nil)
		a.See("program", "bad %v", rows.Apply(a.Context(), "row", bad))
	})
}
