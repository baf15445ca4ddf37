// rehearse trace show: a journal on the terminal.

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/journal"
	"github.com/spf13/cobra"
)

// A showing is what trace show is asked for.
type showing struct {
	kinds, hosts []string
	grep         string
	from, tail   int
	json, text   bool
}

func traceShowCommand() *cobra.Command {
	var s showing
	var types typesFlags
	c := &cobra.Command{
		Use:   "show FILE",
		Short: "Print the events of a journal or recording, one a line",
		Long: "Print the events of a journal, or of a recording of gRPC in any form, one a line; - reads\n" +
			"standard input.\n" +
			"Filters that are given together must all hold.",
		Example: "  rehearse trace show run.journal --kind 'fault.*' --kind net.drop\n" +
			"  rehearse trace show run.journal --host db --grep 'UPDATE|DELETE' --json",
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			rec, err := types.read(c, args[0])
			if err != nil {
				return err
			}
			if s.text {
				return s.printText(c.OutOrStdout(), args[0], rec)
			}
			chosen, err := s.choose(rec.events)
			if err != nil {
				return err
			}
			if err := s.print(c.OutOrStdout(), rec.header, chosen); err != nil {
				return err
			}
			noteCut(c, rec)
			return nil
		},
	}
	f := c.Flags()
	f.StringArrayVar(&s.kinds, "kind", nil, "only events of this `kind`; * stands for anything; may be repeated")
	f.StringArrayVar(&s.hosts, "host", nil, "only events at or with this `host`; may be repeated")
	f.StringVar(&s.grep, "grep", "", "only events whose line or payload matches this `regexp`")
	f.IntVar(&s.from, "from", 0, "only events from this number on")
	f.IntVar(&s.tail, "tail", 0, "only the last so many of what is left; 0 for all")
	f.BoolVar(&s.text, "text", false, "print a recording of gRPC in its text form, whatever form the file has")
	f.BoolVar(&s.json, "json", false, "print one JSON object a line, times in nanoseconds, payloads in base64")
	types.add(c)
	for _, other := range []string{"json", "kind", "host", "grep", "from", "tail"} {
		c.MarkFlagsMutuallyExclusive("text", other)
	}
	return c
}

// printText prints a recording in its text form.
func (s showing) printText(w io.Writer, name string, rec recording) error {
	if rec.grpc == nil {
		return fmt.Errorf("%s is a journal, which is text already: only recordings of gRPC have --text", name)
	}
	return told(rec.grpc.Write(w, grpcreplay.Text))
}

// noteCut says on standard error that a file ends too early.
func noteCut(c *cobra.Command, rec recording) {
	if rec.cut != nil {
		fmt.Fprintf(c.ErrOrStderr(), "rehearse: note: %v\n", rec.cut)
	}
}

// choose returns the events that pass every filter.
func (s showing) choose(events []journal.Event) ([]journal.Event, error) {
	pattern, err := regexp.Compile(s.grep)
	if err != nil {
		return nil, fmt.Errorf("--grep: %w", err)
	}
	for _, kind := range s.kinds {
		if _, err := path.Match(kind, ""); err != nil {
			return nil, fmt.Errorf("--kind %s: %w", kind, err)
		}
	}
	if s.tail < 0 {
		return nil, fmt.Errorf("--tail %d: want 0 or more", s.tail)
	}
	chosen := slices.Collect(journal.Select(slices.Values(events), func(e journal.Event) bool {
		return e.Seq >= s.from && s.ofKind(e) && s.withHost(e) &&
			(s.grep == "" || pattern.MatchString(e.String()) || pattern.Match(e.Body))
	}))
	if s.tail > 0 && len(chosen) > s.tail {
		chosen = chosen[len(chosen)-s.tail:]
	}
	return chosen, nil
}

func (s showing) ofKind(e journal.Event) bool {
	return len(s.kinds) == 0 || slices.ContainsFunc(s.kinds, func(kind string) bool {
		ok, _ := path.Match(kind, string(e.Kind)) // choose has checked the pattern
		return ok
	})
}

func (s showing) withHost(e journal.Event) bool {
	return len(s.hosts) == 0 || slices.ContainsFunc(s.hosts, func(host string) bool {
		return e.Where == host || e.Peer == host
	})
}

func (s showing) print(w io.Writer, h journal.Header, events []journal.Event) error {
	b := bufio.NewWriter(w)
	if s.json {
		out := json.NewEncoder(b)
		for _, e := range events {
			if err := out.Encode(jsonEvent(e)); err != nil {
				return err
			}
		}
		return b.Flush()
	}
	for line := range headerLines(h) {
		fmt.Fprintf(b, "# %s\n", line)
	}
	for _, e := range events {
		fmt.Fprintln(b, e)
	}
	return b.Flush()
}

// headerLines yields a header for people.
func headerLines(h journal.Header) iter.Seq[string] {
	return func(yield func(string) bool) {
		var lines []string
		if h.Seed != 0 || len(h.Notes) == 0 || h.Notes[0].Key != recordingNote { // a recording has none
			lines = append(lines, fmt.Sprintf("seed %d", h.Seed))
		}
		if h.Config != "" {
			lines = append(lines, strings.Split(h.Config, "\n")...)
		}
		for _, n := range h.Notes {
			lines = append(lines, n.Key+" "+n.Value)
		}
		for _, line := range lines {
			if !yield(oneLine(line)) {
				return
			}
		}
	}
}

// oneLine quotes what would disturb a terminal.
func oneLine(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// A shownEvent is an event as --json prints it.
type shownEvent struct {
	Seq     int           `json:"seq"`
	Step    int           `json:"step"`
	At      time.Duration `json:"at"`
	Kind    journal.Kind  `json:"kind"`
	Where   string        `json:"where,omitempty"`
	Peer    string        `json:"peer,omitempty"`
	Subject string        `json:"subject,omitempty"`
	Cause   int           `json:"cause,omitempty"`
	Size    int           `json:"size"`
	Body    *[]byte       `json:"body,omitempty"` // absent if not kept
	Text    string        `json:"text,omitempty"` // the body again, if it is text
	Notes   []shownNote   `json:"notes,omitempty"`
}

// A shownNote is a note as --json prints it. Keys may repeat, so that notes
// are a list.
type shownNote struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func jsonEvent(e journal.Event) shownEvent {
	s := shownEvent{
		Seq: e.Seq, Step: e.Step, At: e.At, Kind: e.Kind, Where: e.Where, Peer: e.Peer,
		Subject: e.Subject, Cause: e.Cause, Size: e.Size,
	}
	if e.Body != nil {
		s.Body = &e.Body
	}
	if utf8.Valid(e.Body) {
		s.Text = string(e.Body)
	}
	for _, n := range e.Notes {
		s.Notes = append(s.Notes, shownNote(n))
	}
	return s
}
