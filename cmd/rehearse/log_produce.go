// rehearse log produce: records from arguments or lines into the log.

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/client"
)

// A produceConfig says what to produce.
type produceConfig struct {
	key     string
	headers []string
}

func logProduceCommand() *cobra.Command {
	var config produceConfig
	var given *clientConfig
	c := &cobra.Command{
		Use:   "produce [VALUE...]",
		Short: "Append records to the log and print their offsets",
		Long: "Append each argument, or without any each line of standard input, as a record, in order, and print\n" +
			"the offset of each once a quorum has it on disk. What waits is sent as one batch. A batch whose\n" +
			"answer was lost is sent again, and is in the log once all the same.\n\n" +
			"Exits with 0 when all are in the log, 1 when one is not or nobody answers.",
		Example: "  rehearse log produce hello world\n" +
			"  seq 1000 | rehearse log produce --key numbers --header from=seq",
		RunE: func(c *cobra.Command, values []string) error {
			record, err := config.record()
			if err != nil {
				return err
			}
			s := streams{c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()}
			return given.command(c.Context(), s, func(ctx context.Context, l *logClient) error {
				p := &producing{l: l, out: s.out, form: record, answers: make(chan (<-chan client.Result), 1024)}
				if len(values) == 0 {
					return p.run(ctx, linesOf(s.in))
				}
				return p.run(ctx, argumentsOf(values))
			})
		},
	}
	given = addClientFlags(c)
	c.Flags().StringVar(&config.key, "key", "", "the `key` of each record")
	c.Flags().StringArrayVar(&config.headers, "header", nil, "a `name=value` beside each record's own; repeat it for "+
		"more")
	return c
}

// record is what all records have in common.
func (c produceConfig) record() (r client.Record, err error) {
	if c.key != "" {
		r.Key = []byte(c.key)
	}
	for _, h := range c.headers {
		name, value, parted := strings.Cut(h, "=")
		if !parted || name == "" {
			return r, fmt.Errorf("--header %s: want NAME=VALUE", h)
		}
		r.Header = append(r.Header, commitlog.Header{Name: name, Value: []byte(value)})
	}
	return r, nil
}

// longestLine bounds the lines of standard input. Nodes take batches of 8 MiB.
const longestLine = 8 << 20

// values call f for each, until f says that it is enough.
type values func(f func(value []byte) bool) error

func argumentsOf(all []string) values {
	return func(f func([]byte) bool) error {
		for _, value := range all {
			if !f([]byte(value)) {
				return nil
			}
		}
		return nil
	}
}

func linesOf(r io.Reader) values {
	return func(f func([]byte) bool) error {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, longestLine)
		lines.Split(wholeLines)
		n := 0
		for lines.Scan() {
			n++
			if !f(bytes.Clone(lines.Bytes())) {
				return nil
			}
		}
		if errors.Is(lines.Err(), bufio.ErrTooLong) {
			return usageError{fmt.Errorf("line %d has more than %d bytes, the most that a node takes; "+
				"those before it were sent", n+1, longestLine)}
		}
		return lines.Err()
	}
}

// wholeLines is bufio.ScanLines, but a carriage return stays: it is part of
// the value.
func wholeLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// A producing is records on their way.
type producing struct {
	l       *logClient
	out     io.Writer
	form    client.Record
	answers chan (<-chan client.Result) // of what was sent, in order
}

// run sends values, and prints offsets as they come. When ctx ends it sends no
// more and waits for the answers to what was sent.
func (p *producing) run(ctx context.Context, all values) error {
	on, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	producer := p.l.Producer(client.ProducerConfig{ID: client.RandomProducer()})
	read := make(chan error, 1)
	go func() {
		defer close(p.answers)
		read <- all(func(value []byte) bool {
			r := p.form
			r.Value = value
			select {
			case p.answers <- producer.Send(on, r):
			case <-ctx.Done():
			case <-on.Done():
			}
			return ctx.Err() == nil && on.Err() == nil
		})
	}()
	if err := p.print(ctx); err != nil {
		return err
	}
	select {
	case err := <-read:
		return err
	default:
		return nil // interrupted while nothing came
	}
}

// print prints the offsets of what was sent, and tells them at the latest when
// it has to wait.
func (p *producing) print(ctx context.Context) error {
	out := bufio.NewWriter(p.out)
	for n := 1; ; n++ {
		answer, more, err := p.next(ctx, out)
		if err != nil || !more {
			return cmp.Or(err, unwritten(out.Flush()))
		}
		if err := p.printOne(out, answer); err != nil {
			return cmp.Or(fmt.Errorf("record %d: %w", n, err), unwritten(out.Flush()))
		}
	}
}

// next returns the answer of the next record, if there is one.
func (p *producing) next(ctx context.Context, out *bufio.Writer) (a <-chan client.Result, more bool, err error) {
	select {
	case a, more = <-p.answers:
		return a, more, nil
	default:
	}
	if err := out.Flush(); err != nil {
		return nil, false, unwritten(err)
	}
	select {
	case a, more = <-p.answers:
	case <-ctx.Done():
	}
	return a, more, nil
}

func (p *producing) printOne(out *bufio.Writer, answer <-chan client.Result) error {
	var r client.Result
	select {
	case r = <-answer:
	default:
		if err := out.Flush(); err != nil {
			return unwritten(err)
		}
		wait := time.NewTimer(p.l.config.timeout())
		defer wait.Stop()
		select {
		case r = <-answer:
		case <-wait.C:
			return context.DeadlineExceeded
		}
	}
	if r.Err != nil {
		return r.Err
	}
	_, err := fmt.Fprintln(out, r.Pos.Offset)
	return unwritten(err)
}
