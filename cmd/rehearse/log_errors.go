// What a client of the log is told when something is wrong, and what to do.

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog"
)

// clientWords put the command's flags in the place of the packages' words.
var clientWords = strings.NewReplacer(
	"client: ", "", "commitlog: ", "",
	"Config.Addrs[", "--addrs[", "Config.Addrs", "--addrs",
	"Config.TLS is nil", "there is no --tls-cert-file",
	"set TLS, or Plaintext if that is meant",
	"give it, with --tls-key-file and --tls-ca-file, or --plaintext if that is meant",
)

// command runs what a client's command does: with a client, and with how it
// ends told apart from mistakes of the command line.
func (c *clientConfig) command(ctx context.Context, s streams, do func(context.Context, *logClient) error) error {
	l, err := c.connect(ctx)
	if err == nil {
		if err = do(ctx, l); err != nil {
			err = l.explain(ctx, err)
		}
		l.Close() // never fails
	}
	if broken := new(brokenError); errors.As(err, &broken) {
		return failed(s.err, broken)
	}
	return err
}

// explain says what went wrong at the log, and what may be done.
func (l *logClient) explain(ctx context.Context, err error) error {
	switch {
	case errors.As(err, new(usageError)), errors.As(err, new(*brokenError)):
		return err
	case ctx.Err() != nil:
		return &brokenError{errors.New("interrupted")}
	}
	text := clientWords.Replace(err.Error())
	if s, ok := status.FromError(err); ok && strings.HasPrefix(text, "rpc error: ") {
		text = fmt.Sprintf("%s (%v)", s.Message(), s.Code())
	}
	switch code := status.Code(err); {
	case errors.Is(err, context.DeadlineExceeded) || code == codes.DeadlineExceeded:
		text = l.silence(ctx, text)
	case code == codes.PermissionDenied:
		text += "; the policy of --acl-policy-file says who may"
	case errors.As(err, new(commitlog.OffsetOutOfRange)):
		text += "; rehearse log status tells what the log holds"
	case errors.As(err, new(commitlog.Uncertain)):
		text += "; look with rehearse log consume before you send it again"
	}
	return &brokenError{&fileError{text, err}}
}

// silence says why there may have been no answer in time.
func (l *logClient) silence(ctx context.Context, text string) string {
	where := strings.Join(l.config.addresses(), ",")
	if err := l.look(ctx); err != nil {
		return fmt.Sprintf("no answer within --timeout %v: %v", l.config.timeout(), err)
	}
	return fmt.Sprintf("no answer within --timeout %v, though a node is at %s: it may have no leader, "+
		"which rehearse log status tells (%s)", l.config.timeout(), where, text)
}

// A usageError is a mistake of the command line that shows only later.
type usageError struct{ error }

// unwritten is the error of a standard output that takes no more; nil if it does.
func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return usageError{fmt.Errorf("standard output: %w", err)}
}

// newDeadline ends a context, by its cancel, when nothing has come in time.
func newDeadline(after time.Duration, cancel context.CancelCauseFunc) *time.Timer {
	return time.AfterFunc(after, func() { cancel(context.DeadlineExceeded) })
}
