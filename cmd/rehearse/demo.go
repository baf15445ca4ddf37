// rehearse demo: a real HTTP service and its client on a bad day, explained.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/vnet"
	"github.com/spf13/cobra"
)

func demoCommand() *cobra.Command {
	var seed uint64
	var output string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch a real HTTP service survive a partition, on a network in memory",
		Long: "Run net/http's server and client, unmodified, on a virtual network with slow, lossy\n" +
			"links; part the server from its client for a while; tell what happened; and write the\n" +
			"trace page. The demo runs in real time. In a test the same story takes milliseconds.",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return runDemo(c.Context(), c.OutOrStdout(), seed, output)
		},
	}
	c.Flags().Uint64Var(&seed, "seed", 42, "decides every chance of the network")
	c.Flags().StringVarP(&output, "output", "o", "rehearse-demo.html", "write the trace page to this `file`")
	return c
}

// The demo's network, and how its day goes.
var demoLink = vnet.LinkConfig{Latency: 8 * time.Millisecond, Jitter: 6 * time.Millisecond, Loss: 0.04}

const (
	demoOrders  = 12
	demoPatient = 120 * time.Millisecond // a request's timeout
	demoCutAt   = 5                      // before this order
	demoCutFor  = 400 * time.Millisecond
)

// demo is one run of the story.
type demo struct {
	out     io.Writer
	start   time.Time
	net     *vnet.Network
	journal *journal.Journal
	client  http.Client

	mu sync.Mutex // for out: the network heals on a timer
}

func runDemo(ctx context.Context, out io.Writer, seed uint64, page string) error {
	d := &demo{out: out, start: time.Now(), journal: new(journal.Journal)}
	config := vnet.Config{Seed: seed, Link: demoLink, Journal: d.journal}
	d.journal.SetHeader(journal.Header{Seed: seed, Config: config.String()})
	d.net = vnet.New(config)
	defer d.net.Close()

	fmt.Fprintf(out, "Two hosts, app and api; each link %v; seed %d.\n", demoLink, seed)
	fmt.Fprintf(out, "The programs are net/http's server and client, unmodified; only dialer and listener differ.\n\n")
	stop, err := d.serve()
	if err != nil {
		return err
	}
	defer stop()
	d.client = http.Client{Transport: &http.Transport{DialContext: d.net.Host("app").Dial}, Timeout: demoPatient}
	defer d.client.CloseIdleConnections()
	if err := d.placeOrders(ctx); err != nil {
		return err
	}
	d.sum()
	return d.writePage(page)
}

// serve starts the service on host api.
func (d *demo) serve() (stop func() error, err error) {
	l, err := d.net.Host("api").Listen(context.Background(), "tcp", ":80")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "order %s accepted\n", r.URL.Query().Get("id"))
	})}
	go server.Serve(l)
	return server.Close, nil
}

// placeOrders sends one order after the other, each until it is accepted.
func (d *demo) placeOrders(ctx context.Context) error {
	for id := 1; id <= demoOrders; id++ {
		if id == demoCutAt {
			d.part()
		}
		for try := 1; ; try++ {
			begin := time.Now()
			err := d.order(ctx, id)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			d.tell("order %-2d %s", id, outcome(err, try, time.Since(begin)))
			if err == nil {
				break
			}
		}
	}
	return nil
}

// part cuts the client off and heals the network a while later.
func (d *demo) part() {
	d.tell("--- part api: nothing passes between api and app; nobody is told")
	heal := d.net.Part("api")
	time.AfterFunc(demoCutFor, func() {
		d.tell("--- healed: what waited on the links goes on")
		heal()
	})
}

// order places one order.
func (d *demo) order(ctx context.Context, id int) error {
	url := fmt.Sprintf("http://api/orders?id=%d", id)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	answer, err := d.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// outcome tells how one try ended.
func outcome(err error, try int, took time.Duration) string {
	var timeout net.Error
	switch took = took.Round(time.Millisecond); {
	case err == nil && try == 1:
		return fmt.Sprintf("accepted after %v", took)
	case err == nil:
		return fmt.Sprintf("accepted after %v, at try %d", took, try)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("no answer within %v; try again", took)
	}
	return err.Error()
}

func (d *demo) tell(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := time.Since(d.start).Round(time.Millisecond)
	fmt.Fprintf(d.out, "%6dms  %s\n", at.Milliseconds(), fmt.Sprintf(format, args...))
}

// sum tells what the journal says of it all.
func (d *demo) sum() {
	count := map[journal.Kind]int{}
	bytes := 0
	for e := range d.journal.Events(0) {
		count[e.Kind]++
		if e.Kind == "net.send" {
			bytes += e.Size
		}
	}
	d.tell("the journal has %d events: %d connections, %d segments with %d bytes, %d losses that were sent again\n",
		d.journal.Len(), count["net.connect"], count["net.send"], bytes, count["fault.loss"])
}

// writePage writes the journal as a page.
func (d *demo) writePage(name string) error {
	rec := recording{header: d.journal.Header(), events: slices.Collect(d.journal.Events(0))}
	if err := writeWhole(name, rec.writePage); err != nil {
		return err
	}
	_, err := fmt.Fprintf(d.out, "The whole story, message by message: open %s in a browser.\n", name)
	return err
}
