// The log as the package's documentation shows it.

package wal_test

import (
	"fmt"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

func Example() {
	l, err := wal.Open(wal.Config{FS: newMemFS()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()

	batch, _ := wal.Encode(wal.Batch{Records: []wal.Record{{Value: []byte("hello")}, {Value: []byte("again")}}})
	data := wal.AppendGroup(nil, time.Unix(0, 0), batch)
	if err := l.Append(wal.State{Term: 1}, []wal.Entry{{Index: 1, Term: 1, Data: data}}); err != nil {
		fmt.Println(err)
	}
	if err := l.Sync(); err != nil { // now it is durable
		fmt.Println(err)
	}
	records, err := l.Read(0, l.Next(), 1<<20)
	for _, r := range records {
		fmt.Println(r.Offset, string(r.Value))
	}
	fmt.Println(err)
	// Output:
	// 0 hello
	// 1 again
	// <nil>
}
