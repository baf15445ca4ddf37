// A log of one node, in a directory.

package commitlog_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

func Example() {
	dir, err := os.MkdirTemp("", "log")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	files, err := wal.Dir(dir)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	node, err := commitlog.New(commitlog.Config{
		Name: "n0", Bootstrap: true, FS: files, Listener: listener, Dial: new(net.Dialer).DialContext,
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	go node.Run(ctx)
	defer node.Shutdown(ctx)

	leader, err := node.WaitLeader(ctx)
	if err != nil {
		log.Fatal(err)
	}
	pos, err := node.Produce(ctx, commitlog.Batch{Records: []commitlog.Record{
		{Value: []byte("hello")}, {Value: []byte("world")},
	}})
	if err != nil {
		log.Fatal(err)
	}
	for r, err := range node.Read(ctx, pos.Offset, commitlog.ReadOptions{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(leader.ID, r.Offset, string(r.Value))
	}
	// Output:
	// n0 0 hello
	// n0 1 world
}
