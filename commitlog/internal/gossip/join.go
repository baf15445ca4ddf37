// Finding the others: one address after another, again and again.

package gossip

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
)

// The first and the longest pause between rounds of a join.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 10 * time.Second
)

// nowhere is where memberlist believes that it dials when it joins.
const nowhere = "192.0.2.1:9" // RFC 5737: documentation

// seed is what memberlist is told to join for an address. It would look up a
// host by itself, on the real network, past the dialer; so the address goes
// where a member's name goes, which the transport sees and which has no colon.
func seed(address string) string { return address + "/" + nowhere }

// fromSeed returns the address that seed was given.
func fromSeed(to memberlist.Address) (address string, ok bool) {
	return to.Name, to.Addr == nowhere && strings.Contains(to.Name, ":")
}

// Join meets those at the addresses, as "n0:8401". One that answers is enough,
// as it knows the others; all are tried in order, then again after a pause,
// which grows to ten seconds, until ctx ends or the group is closed. It
// returns nil once this node has met another, [WrongCluster] at once if
// nobody but nodes of another cluster answers, and else ctx's error joined
// with the last round's, such as [NameTaken].
func (g *Group) Join(ctx context.Context, addresses []string) error {
	for _, address := range addresses {
		if err := checkAddress(address); err != nil {
			return err
		}
	}
	if len(addresses) == 0 {
		return errors.New("gossip: no address to join")
	}
	return g.join(ctx, addresses, func(err error) bool {
		var wrong WrongCluster
		return !errors.As(err, &wrong)
	})
}

// joinAtStart joins Config.Join, whatever happens: what is wrong may be mended
// at the other end.
func (g *Group) joinAtStart() {
	told := ""
	err := g.join(g.ctx, g.c.Join, func(err error) bool {
		if err.Error() != told {
			told = err.Error()
			g.c.Logger.Warn("nobody could be joined yet; trying on", "addresses", g.c.Join, "error", err)
		}
		return true
	})
	if err == nil {
		g.c.Logger.Info("joined", "addresses", g.c.Join)
	}
}

// join tries round after round, as long as on says so of the last one's error.
func (g *Group) join(ctx context.Context, addresses []string, on func(error) bool) error {
	var last error // of a round that was not cut short
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := g.round(ctx, addresses)
		if err == nil {
			return nil
		}
		if g.ctx.Err() != nil {
			return ErrClosed
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), last)
		}
		if !on(err) {
			return err
		}
		last = err
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
		case <-g.ctx.Done():
		}
		timer.Stop()
	}
}

// round tries each address once, until one answers.
func (g *Group) round(ctx context.Context, addresses []string) error {
	var all []error
	for _, address := range addresses {
		answer := make(chan error, 1)
		select {
		case g.one <- struct{}{}: // Serf's own lock would be held while others wait for the network
		case <-ctx.Done():
			return ctx.Err()
		case <-g.ctx.Done():
			return ErrClosed
		}
		if g.ctx.Err() != nil {
			<-g.one
			return ErrClosed
		}
		g.running.Go(func() {
			defer func() { <-g.one }()
			answer <- g.meet(address)
		})
		select {
		case err := <-answer:
			if err == nil {
				return nil
			}
			all = append(all, err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.Join(all...)
}

// meet meets who is at the address.
func (g *Group) meet(address string) error {
	g.gate.forget()
	_, err := g.serf.Join([]string{seed(address)}, true)
	refused := g.gate.forget()
	if err != nil && refused != nil && strings.Contains(err.Error(), refused.Error()) {
		return refused
	}
	if err != nil {
		why := strings.TrimSpace(err.Error())
		if _, after, ok := strings.Cut(why, nowhere+": "); ok {
			why = after
		}
		return fmt.Errorf("gossip: nobody joined at %s: %s", address, why)
	}
	if taken, ok := refused.(NameTaken); ok {
		return taken
	}
	if g.serf.Memberlist().NumMembers() < 2 {
		return fmt.Errorf("gossip: nobody joined at %s: only this node itself answers there", address)
	}
	return nil
}
