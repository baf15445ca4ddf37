// Running a recording: from its service to readiness, and to what came of it.

package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strings"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// defaultGRPCAddress is where programs reach a recording if nothing is said.
const defaultGRPCAddress = "127.0.0.1:0"

// A grpcRun is one life of rehearse record or rehearse replay.
type grpcRun struct {
	serving grpcServing
	service *grpcreplay.Service
	secure  *tls.Config // of the listener; nil: none
	lines   *patient    // what is told on standard error
	talk    *log.Logger
}

// newGRPCRun begins a run: from here on it may talk.
func newGRPCRun(s grpcServing, stderr io.Writer) *grpcRun {
	r := &grpcRun{serving: s, lines: newPatient(stderr, patience)}
	r.talk = log.New(r.lines, "rehearse: ", 0)
	return r
}

// common fills in what record and replay have in common.
func (r *grpcRun) common(ctx context.Context, c *grpcreplay.Config) (err error) {
	s := r.serving
	c.ListenAddress = cmp.Or(s.Listen, defaultGRPCAddress)
	if err := s.allowListen(c.ListenAddress); err != nil {
		return err
	}
	if r.secure, err = s.ListenTLS.config(c.ListenAddress); err != nil {
		return err
	}
	if c.Schema, err = s.Schema.files(ctx); err != nil {
		return err
	}
	c.ListenTLS, c.Match, c.Limits, c.Log = r.secure, s.Match.config(), s.Limits.config(), r.log
	c.Listen = (&hearing{secure: r.secure != nil, tell: r.talk.Printf}).listen
	return nil
}

// allowListen returns why an address will not do to listen at.
func (s grpcServing) allowListen(address string) error {
	if isSocket(address) {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--listen %s: want HOST:PORT, or unix:PATH", address)
	}
	return allowAddress(s.Remote, host, "--listen "+address)
}

// log tells what went wrong as it happens, and with --verbose every decision.
func (r *grpcRun) log(format string, args ...any) {
	bad := false
	for _, a := range args {
		switch a.(type) {
		case *grpcreplay.MismatchError, *grpcreplay.StallError:
			bad = true
		}
	}
	if bad || isTrue(r.serving.Verbose) {
		r.talk.Print(inFlags(fmt.Sprintf(format, args...)))
	}
}

// start starts the service.
func (r *grpcRun) start(c grpcreplay.Config) (err error) {
	if r.service, err = grpcreplay.New(c); err != nil {
		return told(err)
	}
	for _, rule := range r.serving.Rules {
		r.service.NamedRule(rule.text, rule.rule(max(r.serving.Seed, 1)))
	}
	return nil
}

// greet prints where the service is reached, for programs, and as comments
// what it is and how to try it.
func (r *grpcRun) greet(w io.Writer, what string) error {
	var b strings.Builder
	address := r.service.Addr()
	fmt.Fprintf(&b, "address=%s\n", address)
	try := "-plaintext"
	switch dir := r.serving.ListenTLS.SelfSigned; {
	case dir != "":
		fmt.Fprintf(&b, "ca=%s\n", authorityFile(dir))
		try = "-cacert " + shellQuoted(authorityFile(dir))
	case r.secure != nil:
		try = "-cacert CA.PEM"
	}
	if r.secure != nil && r.secure.ClientCAs != nil {
		try += " -cert CERT.PEM -key KEY.PEM"
	}
	fmt.Fprintf(&b, "#\n# %s\n# grpcurl %s %s list\n# Ctrl-C stops it.\n", what, try, reachable(address))
	_, err := io.WriteString(w, b.String())
	return err
}

// end ends the service and tells what came of it: errDifferent if something
// is not as it should be and has been told.
func (r *grpcRun) end(ending func() error) error {
	var o verdict
	for _, err := range parts(ending()) {
		o.take(err)
	}
	for _, st := range r.service.RuleStats() {
		if st.Fired == 0 {
			r.talk.Printf("note: %v", st)
		}
	}
	for _, text := range o.tell {
		r.talk.Print(text)
	}
	if o.mismatches > 0 {
		r.talk.Printf("%s had no answer in the recording", counted(o.mismatches, "call"))
	}
	if o.stalls > 0 {
		r.talk.Printf("%s came without what they had waited for", counted(o.stalls, "answer"))
	}
	if err := errors.Join(o.failed...); err != nil {
		return told(err)
	}
	if o.mismatches+o.stalls+len(o.tell) > 0 {
		return errDifferent
	}
	return nil
}

// A verdict is what came of a run.
type verdict struct {
	mismatches, stalls int      // told as they happened
	tell               []string // to be told now
	failed             []error  // what is no outcome but a failure
}

func (o *verdict) take(err error) {
	var unused *grpcreplay.UnusedError
	var drift *grpcreplay.DriftError
	var miss *grpcreplay.MismatchError
	var stall *grpcreplay.StallError
	switch {
	case errors.As(err, &miss):
		o.mismatches++
	case errors.As(err, &stall):
		o.stalls++
	case errors.As(err, &unused), errors.As(err, &drift):
		o.tell = append(o.tell, inFlags(err.Error()))
	default:
		o.failed = append(o.failed, err)
	}
}

// parts returns the errors that were joined into one.
func parts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, parts(e)...)
	}
	return all
}

// close ends what is told.
func (r *grpcRun) close() { r.lines.close() }

// counted returns a number with a noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// flagNames put the command's flags in the place of the package's words.
var flagNames = strings.NewReplacer(
	"grpcreplay: ", "",
	"set Config.Limits.Message", "give --limit-message",
	"set Config.Limits.File", "give --limit-file",
	"set Config.AllowUnused", "give --allow-unused",
	"set Config.Schema", "give --descriptors or --proto",
	"link it in, or ", "",
	"import the package that defines it, or ", "",
	"import the packages that define them, or ", "",
	"pass a set of descriptors that holds it", "give --descriptors or --proto",
	"pass a set of descriptors that holds them", "give --descriptors or --proto",
	"Config.Match.Ignore", "--ignore",
	"Config.Match.Metadata", "--match-metadata",
	"Config.Redact", "--redact-...",
	"Config.Target", "--to",
	"Config.Listen: ", "",
	"see grpcreplay.Open for the forms that are", "docs/grpc.md tells which forms are",
	"record it first: ModeOnce or ModeAll, with CI not set, or -grpcreplay.record", "record it first, by --mode all",
	"to record it, run again in ModeNew or ModeAll, or with -grpcreplay.record",
	"to record it too: rehearse record --mode new",
)

// inFlags tells in the command's words what the package says.
func inFlags(text string) string { return flagNames.Replace(text) }

// told is an error of the package in the command's words.
func told(err error) error {
	if err == nil {
		return nil
	}
	return &fileError{inFlags(err.Error()), err}
}
