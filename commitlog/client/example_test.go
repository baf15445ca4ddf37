// A client's use, in short.

package client_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/client"
)

func Example() {
	c, err := client.New(client.Config{Addrs: []string{"127.0.0.1:8400"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pos, err := c.Produce(ctx, client.Record{Value: []byte("hello")})
	if err != nil {
		log.Print(err)
		return
	}
	for r, err := range c.Consume(ctx, pos.Offset, client.Options{MinIndex: pos.Index}) {
		fmt.Println(r.Offset, string(r.Value), err)
	}
}

func ExampleClient_Producer() {
	c, err := client.New(client.Config{Addrs: []string{"127.0.0.1:8400"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p := c.Producer(client.ProducerConfig{ID: client.RandomProducer()})
	for i := range 1000 {
		p.SendFunc(ctx, func(r client.Result) {
			if r.Err != nil {
				log.Print(r.Err)
			}
		}, client.Record{Value: fmt.Append(nil, i)})
	}
	if err := p.Flush(ctx); err != nil {
		log.Print(err)
	}
}
