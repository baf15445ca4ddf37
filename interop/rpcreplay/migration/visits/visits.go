// The program whose test is migrated.

package visits

import (
	"context"
	"encoding/binary"
	"time"

	"cloud.google.com/go/bigtable"
)

// Family is the column family that the table needs.
const Family = "visits"

// Count counts a visit of a page and returns how many there were.
func Count(ctx context.Context, table *bigtable.Table, page string, at time.Time) (int64, error) {
	last := bigtable.NewMutation()
	last.Set(Family, "last", bigtable.Time(at), []byte(at.Format(time.DateOnly)))
	if err := table.Apply(ctx, page, last); err != nil {
		return 0, err
	}
	increment := bigtable.NewReadModifyWrite()
	increment.Increment(Family, "count", 1)
	row, err := table.ApplyReadModifyWrite(ctx, page, increment)
	if err != nil {
		return 0, err
	}
	return count(row), nil
}

// Visited returns the pages that begin with a prefix, and their counts.
func Visited(ctx context.Context, table *bigtable.Table, prefix string) (map[string]int64, error) {
	counts := map[string]int64{}
	err := table.ReadRows(ctx, bigtable.PrefixRange(prefix), func(row bigtable.Row) bool {
		counts[row.Key()] = count(row)
		return true
	})
	return counts, err
}

func count(row bigtable.Row) int64 {
	for _, item := range row[Family] {
		if item.Column == Family+":count" {
			return int64(binary.BigEndian.Uint64(item.Value))
		}
	}
	return 0
}
