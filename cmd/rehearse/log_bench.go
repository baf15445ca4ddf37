// rehearse log bench: how many records a log takes, and how long each waits.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/rehearse-go/rehearse/commitlog/agent"
	"github.com/rehearse-go/rehearse/commitlog/client"
)

// A benchConfig says what to measure.
type benchConfig struct {
	clients, size, batch int
	duration             time.Duration
	dir                  string
}

func logBenchCommand() *cobra.Command {
	var config benchConfig
	var given *clientConfig
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure how many durable records a second a log takes",
		Long: "Have clients produce for a while, each its next batch when the last is durable, and print records a\n" +
			"second and how long batches took. With --addrs it is that log that is measured, and it keeps the\n" +
			"records; else a node in a temporary directory, which is removed.",
		Example: "  rehearse log bench --clients 64 --size 1024 --duration 10s",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := config.check(); err != nil {
				return err
			}
			s := streams{c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()}
			if len(given.Addrs) > 0 || os.Getenv(logVariable("addrs")) != "" {
				return given.command(c.Context(), s, func(ctx context.Context, l *logClient) error {
					return config.run(ctx, l.config, s.out)
				})
			}
			return config.alone(c.Context(), given, s)
		},
	}
	given = addClientFlags(c)
	f := c.Flags()
	f.IntVar(&config.clients, "clients", 64, "how `many` produce at a time, each with connections of its own")
	f.IntVar(&config.size, "size", 1024, "the `bytes` of a record's value")
	f.IntVar(&config.batch, "batch", 1, "how `many` records a client sends at once")
	f.DurationVar(&config.duration, "duration", 10*time.Second, "how long to measure")
	f.StringVar(&config.dir, "dir", "", "where the temporary `directory` is made: the disk that is measured; "+
		"the system's place for such if not given")
	return c
}

// check refuses what cannot be measured.
func (c benchConfig) check() error {
	for _, n := range []struct {
		flag         string
		is, min, max int
	}{
		{"clients", c.clients, 1, 4096}, {"size", c.size, 0, longestLine}, {"batch", c.batch, 1, 1 << 20},
		{"size times --batch", c.size * c.batch, 0, longestLine},
	} {
		if n.is < n.min || n.is > n.max {
			return fmt.Errorf("--%s: %d is not possible; want %d to %d", n.flag, n.is, n.min, n.max)
		}
	}
	if c.duration <= 0 {
		return fmt.Errorf("--duration %v: want more than 0", c.duration)
	}
	return nil
}

// alone measures a node of its own.
func (c benchConfig) alone(ctx context.Context, given *clientConfig, s streams) (err error) {
	dir, err := os.MkdirTemp(c.dir, "rehearse-log-")
	if err != nil {
		return fmt.Errorf("--dir: %w", plainError(err))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	a, err := agent.New(agent.Config{
		Name: "bench", Dir: dir, Bootstrap: true, RPC: "127.0.0.1:0", Bind: "127.0.0.1:0",
		Heartbeat: 10 * time.Millisecond, // it has nobody to wait for
	})
	if err != nil {
		return nodeConfig{DataDir: dir}.explain(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(context.WithoutCancel(ctx)) }()
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), defaultShutdown)
		defer cancel()
		if failed := a.Shutdown(last); failed != nil {
			err = errors.Join(err, failed)
			return
		}
		err = errors.Join(err, <-ended)
	}()
	given.Addrs, given.Cert, given.Key, given.CA = []otherNode{otherNode(a.RPCAddr())}, "", "", ""
	fmt.Fprintf(s.out, "one node in %s\n", dir)
	return given.command(ctx, s, func(ctx context.Context, l *logClient) error {
		return c.run(ctx, l.config, s.out)
	})
}

// A tally is what one client has measured.
type tally struct {
	took    latencies
	records uint64
	err     error
}

// run measures, and prints what came of it.
func (c benchConfig) run(ctx context.Context, to *clientConfig, w io.Writer) error {
	tallies := make([]tally, c.clients)
	clients, err := c.ready(ctx, to)
	defer func() {
		for _, l := range clients {
			l.Close()
		}
	}()
	if err != nil {
		return err
	}
	begun := time.Now()
	on, cancel := context.WithTimeout(ctx, c.duration)
	defer cancel()
	var sending sync.WaitGroup
	for i, l := range clients {
		sending.Go(func() { tallies[i].err = c.send(ctx, on, l, &tallies[i]) })
	}
	sending.Wait()
	return c.tell(w, tallies, time.Since(begun))
}

// ready makes the clients and has each send a batch, so that connections and
// leaders are found before anything is measured.
func (c benchConfig) ready(ctx context.Context, to *clientConfig) (clients []*logClient, err error) {
	for range c.clients {
		l, err := to.connect(ctx)
		if err != nil {
			return clients, err
		}
		clients = append(clients, l)
	}
	failures := make([]error, len(clients))
	var sending sync.WaitGroup
	for i, l := range clients {
		sending.Go(func() {
			first, cancel := context.WithTimeout(ctx, to.timeout())
			defer cancel()
			_, failures[i] = l.Produce(first, c.records()...)
		})
	}
	sending.Wait()
	for _, err := range failures {
		if err != nil {
			return clients, err
		}
	}
	return clients, nil
}

func (c benchConfig) records() []client.Record {
	all := make([]client.Record, c.batch)
	for i := range all {
		all[i].Value = bytes.Repeat([]byte{'r'}, c.size)
	}
	return all
}

// send sends batch after batch until on ends. The last is waited for, but not
// longer than --timeout.
func (c benchConfig) send(ctx, on context.Context, l *logClient, t *tally) error {
	batch := c.records()
	for on.Err() == nil {
		each, cancel := context.WithTimeout(ctx, l.config.timeout())
		begun := time.Now()
		_, err := l.Produce(each, batch...)
		cancel()
		if err != nil {
			return err
		}
		t.took.add(time.Since(begun))
		t.records += uint64(len(batch))
	}
	return nil
}

// tell prints what came of it.
func (c benchConfig) tell(w io.Writer, tallies []tally, took time.Duration) error {
	var all tally
	for _, t := range tallies {
		all.records += t.records
		all.took.join(&t.took)
		all.err = errors.Join(all.err, t.err)
	}
	if all.err != nil {
		return all.err
	}
	rate := float64(all.records) / took.Seconds()
	_, err := fmt.Fprintf(w, "%d clients, %d bytes, batches of %d, %.1f s: %d records\n"+
		"%.0f records/s, %.1f MB/s\np50 %v, p99 %v, p99.9 %v, max %v\n",
		c.clients, c.size, c.batch, took.Seconds(), all.records, rate, rate*float64(c.size)/1e6,
		all.took.at(0.50), all.took.at(0.99), all.took.at(0.999), all.took.at(1))
	return err
}
