// How the package is used.

package loopback_test

import (
	"context"
	"fmt"
	"log"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
	"github.com/rehearse-go/rehearse/vnet"
)

func Example() {
	ctx := context.Background()
	n, err := loopback.New(loopback.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	api, app := n.Host("api"), n.Host("app")
	l, err := api.Listen(ctx, "tcp", "api:80")
	if err != nil {
		log.Fatal(err)
	}
	heal, err := n.Fault(vnet.Fault{Kind: "cut", A: "app", B: "api"})
	if err != nil {
		log.Fatal(err)
	}
	heal()
	c, err := app.Dial(ctx, "tcp", "api:80")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Addr(), c.RemoteAddr())
	// Output: 10.0.0.1:80 10.0.0.1:80
}
