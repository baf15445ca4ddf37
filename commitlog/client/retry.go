// What is tried again, and after which time.

package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog"
)

// An outcome is what an attempt's error says of it.
type outcome int

const (
	undone  outcome = iota // nothing was done: it can be tried again
	unknown                // it may have been done
	refused                // nothing was done, and trying again would not help
)

// judge tells what became of an attempt, from its error and from whether
// anything was sent.
func judge(err error, sent bool) outcome {
	switch {
	case errors.As(err, new(commitlog.Uncertain)):
		return unknown
	case errors.As(err, new(commitlog.NotLeader)), errors.As(err, new(commitlog.Latched)),
		errors.As(err, new(commitlog.Superseded)), errors.Is(err, commitlog.ErrClosed):
		return undone
	case typed(err):
		return refused
	}
	switch grpcstatus.Code(err) {
	case codes.InvalidArgument, codes.NotFound, codes.PermissionDenied, codes.Unauthenticated,
		codes.ResourceExhausted, codes.FailedPrecondition, codes.OutOfRange, codes.Unimplemented, outsideLog:
		return refused
	}
	if sent {
		return unknown
	}
	return undone
}

// outsideLog is the code with which the original answers for an offset that is
// not in the log.
const outsideLog codes.Code = 404

// typed holds for the log's errors after which nothing was done.
func typed(err error) bool {
	return errors.As(err, new(commitlog.OffsetOutOfRange)) || errors.As(err, new(commitlog.Full)) ||
		errors.As(err, new(commitlog.TooLarge)) || errors.As(err, new(commitlog.WrongSequence)) ||
		errors.As(err, new(commitlog.WrongCluster))
}

// hops is how often in a row an attempt goes at once where it is sent: nodes
// that send a client to and fro must not keep it busy.
const hops = 3

// A pace says how long to wait before the next attempt.
type pace struct {
	Retry
	wait   time.Duration // the last one
	hopped int
}

// next returns the wait; elsewhere says that the next attempt goes to a leader
// that the last did not go to.
func (p *pace) next(elsewhere bool) time.Duration {
	if elsewhere && p.hopped < hops {
		p.hopped++
		return 0
	}
	p.hopped = 0
	p.wait = min(p.Max, max(p.Min, 2*p.wait))
	return p.wait
}

// reset says that an attempt has come far enough.
func (p *pace) reset() { p.wait, p.hopped = 0, 0 }

// pause waits before the next attempt: for a time, or until the cluster has
// changed since look. It returns why there is to be none.
func (c *Client) pause(ctx context.Context, wait time.Duration, changed <-chan struct{}) error {
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		case <-c.ctx.Done():
		}
	}
	return c.over(ctx)
}

// over returns why no attempt is to be made, nil if one is.
func (c *Client) over(ctx context.Context) error {
	if c.ctx.Err() != nil {
		return ErrClosed
	}
	return ctx.Err()
}

// settle learns from a failed attempt, and waits for the next. It returns why
// there is to be none.
func (c *Client) settle(ctx context.Context, p *pace, at *call, err error) error {
	if nl := (commitlog.NotLeader{}); errors.As(err, &nl) {
		if nl.Leader.ID != "" {
			c.view.lead(nl.Leader)
		} else {
			c.view.deny(at.at())
		}
	}
	c.conf.Logger.Debug("an attempt failed", "node", at.at(), "err", err)
	now, changed := c.view.look()
	leader := now.leaderAddr()
	elsewhere := at.to == toLeader && at.at() != "" && leader != "" && leader != at.at()
	return c.pause(ctx, p.next(elsewhere), changed)
}

// ended is the error of a call that was not tried again since end, after last.
func ended(end, last error) error {
	if last == nil || errors.Is(last, end) {
		return end
	}
	return fmt.Errorf("%w; the last attempt: %w", end, last)
}
