// rehearse log consume: records from the log to standard output.

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/client"
)

// A consumeConfig says what to read, and how to tell it.
type consumeConfig struct {
	from        string
	at          string
	end, follow bool
	count       uint64
	json        bool
	level       string
	node        string
}

func logConsumeCommand() *cobra.Command {
	var config consumeConfig
	var given *clientConfig
	c := &cobra.Command{
		Use:   "consume",
		Short: "Print records of the log",
		Long: "Print the values of the log's records, one a line, from the oldest there is to the last, or on and\n" +
			"on with --follow. With --json each is an object with offset, time, key, headers and value; what is\n" +
			"not UTF-8 is in base64, as value_base64.",
		Example: "  rehearse log consume --from 100 --count 10 --json\n" +
			"  rehearse log consume --end --follow",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := config.options(time.Now())
			if err != nil {
				return err
			}
			s := streams{c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()}
			return given.command(c.Context(), s, func(ctx context.Context, l *logClient) error {
				return config.run(onNode(ctx, config.node), l, o, s.out)
			})
		},
	}
	given = addClientFlags(c)
	f := c.Flags()
	f.StringVar(&config.from, "from", "", "begin at this `offset`; at the oldest there is if not given")
	f.StringVar(&config.at, "at", "", "begin at the first record of this `time` or later: 2026-11-25T10:00:00Z, or "+
		"10m for ten minutes ago")
	f.BoolVar(&config.end, "end", false, "begin behind the last record: print only what comes; implies --follow")
	f.BoolVar(&config.follow, "follow", false, "at the end of the log, wait for more")
	f.Uint64Var(&config.count, "count", 0, "end after so many records; 0 is any `number`")
	f.BoolVar(&config.json, "json", false, "print each record as a JSON object")
	f.StringVar(&config.level, "level", "local", "how fresh reads are: local, what a node has, or linearizable, "+
		"all that was acknowledged before; the `level`")
	f.StringVar(&config.node, "node", "", "read from the node of this `name`")
	return c
}

// onNode has calls go to a node, unless it is "".
func onNode(ctx context.Context, name string) context.Context {
	if name == "" {
		return ctx
	}
	return client.OnNode(ctx, name)
}

// options checks the command line.
func (c *consumeConfig) options(now time.Time) (o client.Options, err error) {
	begins := 0
	for _, given := range []bool{c.from != "", c.at != "", c.end} {
		if given {
			begins++
		}
	}
	if begins > 1 {
		return o, errors.New("--from, --at and --end each say where to begin: give one of them")
	}
	switch c.level {
	case "local":
	case "linearizable":
		o.Level = commitlog.Linearizable
	default:
		return o, fmt.Errorf("--level: %q is not possible; want local or linearizable", c.level)
	}
	if c.from != "" {
		if _, err := strconv.ParseUint(c.from, 10, 64); err != nil {
			return o, fmt.Errorf("--from: %q is no offset; want a whole number of 0 or more", c.from)
		}
	}
	if o.At, err = pointInTime(c.at, now); err != nil {
		return o, fmt.Errorf("--at: %w", err)
	}
	o.ToEnd = !c.follow && !c.end
	return o, nil
}

// pointInTime reads a time, or how long ago it was.
func pointInTime(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-max(ago, -ago)), nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.Year() < 1970 || at.Year() > 2200 {
		return at, fmt.Errorf("%q is no time; want one such as 2026-11-25T10:00:00Z, or 10m for ten minutes ago", text)
	}
	return at, nil
}

// run prints records.
func (c *consumeConfig) run(ctx context.Context, l *logClient, o client.Options, w io.Writer) error {
	from, err := c.begin(ctx, l)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	r := &reading{c, l, o, out}
	err = r.print(ctx, from)
	if e := (commitlog.OffsetOutOfRange{}); c.from == "" && !c.end && errors.As(err, &e) && e.Low > from {
		err = r.print(ctx, e.Low) // retention has removed what was before
	}
	if flushed := out.Flush(); err == nil {
		err = unwritten(flushed)
	}
	if (c.follow || c.end) && ctx.Err() != nil {
		return nil // until interrupted, as was asked for
	}
	return err
}

// begin is the offset to begin at, if no time says it.
func (c *consumeConfig) begin(ctx context.Context, l *logClient) (uint64, error) {
	if c.from != "" {
		return strconv.ParseUint(c.from, 10, 64)
	}
	if !c.end {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.config.timeout())
	defer cancel()
	leader, err := l.Leader(ctx)
	if err != nil {
		return 0, err
	}
	s, err := l.Status(client.OnNode(ctx, leader.ID))
	return s.Next, err
}

// A reading is records on their way to standard output.
type reading struct {
	config *consumeConfig
	l      *logClient
	o      client.Options
	out    *bufio.Writer
}

// print prints records from an offset on, and gives up when --timeout passes
// without one, unless it is to wait.
func (r *reading) print(ctx context.Context, from uint64) error {
	on, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !r.o.ToEnd {
		return r.each(on, from, func() {})
	}
	timeout := r.l.config.timeout()
	wait := newDeadline(timeout, cancel)
	defer wait.Stop()
	return r.each(on, from, func() { wait.Reset(timeout) })
}

// each prints each record, and says when it has one.
func (r *reading) each(ctx context.Context, from uint64, came func()) error {
	left := r.config.count
	for record, err := range r.l.Consume(ctx, from, r.o) {
		if err != nil {
			return causeOf(ctx, err)
		}
		came()
		err = r.config.write(r.out, record)
		if err == nil && !r.o.ToEnd {
			err = r.out.Flush() // somebody waits for it
		}
		if err != nil {
			return unwritten(err)
		}
		if left--; left == 0 {
			return nil
		}
	}
	return nil
}

// causeOf is why ctx ended, if that is what err says.
func causeOf(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return err
}

// A shownRecord is a record as JSON.
type shownRecord struct {
	Offset      uint64        `json:"offset"`
	Time        *time.Time    `json:"time,omitempty"`
	Key         string        `json:"key,omitempty"`
	KeyBase64   []byte        `json:"key_base64,omitempty"`
	Headers     []shownHeader `json:"headers,omitempty"`
	Value       *string       `json:"value,omitempty"`
	ValueBase64 []byte        `json:"value_base64,omitempty"`
}

type shownHeader struct {
	Name        string  `json:"name"`
	Value       *string `json:"value,omitempty"`
	ValueBase64 []byte  `json:"value_base64,omitempty"`
}

// write prints one record.
func (c *consumeConfig) write(out *bufio.Writer, r client.Record) error {
	if !c.json {
		_, _ = out.Write(r.Value) // the error stays
		return out.WriteByte('\n')
	}
	shown := shownRecord{Offset: r.Offset}
	if !r.Time.IsZero() {
		at := r.Time.UTC()
		shown.Time = &at
	}
	shown.Value, shown.ValueBase64 = textOrBytes(r.Value)
	if key, bytes := textOrBytes(r.Key); key != nil {
		shown.Key = *key
	} else {
		shown.KeyBase64 = bytes
	}
	for _, h := range r.Header {
		value, bytes := textOrBytes(h.Value)
		shown.Headers = append(shown.Headers, shownHeader{h.Name, value, bytes})
	}
	line := json.NewEncoder(out)
	line.SetEscapeHTML(false)
	return line.Encode(shown)
}

// textOrBytes returns what is UTF-8 as text, else as it is.
func textOrBytes(b []byte) (*string, []byte) {
	if !utf8.Valid(b) {
		return nil, b
	}
	text := string(b)
	return &text, nil
}
