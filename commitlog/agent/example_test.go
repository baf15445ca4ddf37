// An agent from its start to its end, with a client.

package agent_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/agent"
	"github.com/rehearse-go/rehearse/commitlog/client"
)

func Example() {
	dir, err := os.MkdirTemp("", "log")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	a, err := agent.New(agent.Config{
		Name: "n0", Dir: dir, Bootstrap: true, RPC: "127.0.0.1:0", Bind: "127.0.0.1:0",
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- a.Run(context.Background()) }()

	c, err := client.New(client.Config{Addrs: []string{a.RPCAddr()}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	pos, err := c.Produce(ctx, client.Record{Value: []byte("hello")})
	if err != nil {
		log.Fatal(err)
	}
	r, err := c.Read(ctx, pos.Offset, client.Options{})
	fmt.Println(r.Offset, string(r.Value), err)
	fmt.Println(a.Shutdown(ctx), <-ended)
	// Output:
	// 0 hello <nil>
	// <nil> <nil>
}
