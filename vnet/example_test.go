// A network of two hosts, as the documentation shows it.

package vnet_test

import (
	"context"
	"fmt"
	"io"

	"github.com/rehearse-go/rehearse/vnet"
)

func Example() {
	n := vnet.New(vnet.Config{})
	defer n.Close()

	l, _ := n.Host("api").Listen(context.Background(), "tcp", ":80")
	go func() {
		c, _ := l.Accept()
		io.WriteString(c, "hello")
		c.Close()
	}()

	c, _ := n.Host("app").Dial(context.Background(), "tcp", "api:80")
	got, _ := io.ReadAll(c)
	fmt.Println(string(got), c.RemoteAddr())
	// Output: hello 10.0.0.1:80
}
