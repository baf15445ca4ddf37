// rehearse log servers, status, wait and watch: what the nodes tell of themselves.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// askCommand is a command that asks nodes and prints what they say, within
// --timeout.
func askCommand(c *cobra.Command, do func(ctx context.Context, l *logClient, w io.Writer) error) *cobra.Command {
	given := addClientFlags(c)
	c.Args = noArguments
	c.RunE = func(c *cobra.Command, _ []string) error {
		s := streams{c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()}
		return given.command(c.Context(), s, func(ctx context.Context, l *logClient) error {
			ctx, cancel := context.WithTimeout(ctx, l.config.timeout())
			defer cancel()
			return do(ctx, l, s.out)
		})
	}
	return c
}

func logServersCommand() *cobra.Command {
	return askCommand(&cobra.Command{
		Use:   "servers",
		Short: "Print who is in the cluster",
		Long:  "Print the cluster's nodes, as one of them knows them: name, address, and what each is.",
	}, func(ctx context.Context, l *logClient, w io.Writer) error {
		members, err := l.Servers(ctx)
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "NAME\tADDRESS\tROLE")
		for _, m := range members {
			fmt.Fprintf(t, "%s\t%s\t%s\n", m.Name, m.Addr, roleOf(m))
		}
		return unwritten(t.Flush())
	})
}

func roleOf(m commitlog.Member) string {
	switch {
	case m.Leader:
		return "leader"
	case m.Learner:
		return "learner"
	}
	return "voter"
}

func logStatusCommand() *cobra.Command {
	return askCommand(&cobra.Command{
		Use:   "status",
		Short: "Print what each node knows of itself",
		Long: "Ask each node of the cluster, and print what it knows of itself: its role, its term, the index up to\n" +
			"which a quorum has the log, up to which it can be read there and is on the node's disk, and the\n" +
			"offsets that it holds. Exits with 1 if a node does not answer, or has failed.",
	}, printStatus)
}

func printStatus(ctx context.Context, l *logClient, w io.Writer) error {
	members, err := l.Servers(ctx)
	if err != nil {
		return err
	}
	if len(members) == 0 {
		return errors.New("the node that was asked is in no cluster yet: have it join one, or give it --bootstrap")
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tADDRESS\tROLE\tTERM\tCOMMITTED\tAPPLIED\tDURABLE\tOFFSETS\tSTATE")
	var bad error
	for _, m := range members {
		s, err := askOne(ctx, l, m.Name)
		state := "ok"
		switch {
		case err != nil:
			fmt.Fprintf(t, "%s\t%s\t\t\t\t\t\t\tdoes not answer\n", m.Name, m.Addr)
			bad = fmt.Errorf("%s does not answer: %w", m.Name, err)
			continue
		case s.Failed != nil:
			state = s.Failed.Error()
			bad = fmt.Errorf("%s has failed: %w", m.Name, s.Failed)
		}
		fmt.Fprintf(t, "%s\t%s\t%v\t%d\t%d\t%d\t%d\t%d-%d\t%s\n", s.Name, m.Addr, s.Role, s.Term,
			s.Committed, s.Applied, s.Durable, s.Low, s.Next, state)
	}
	if err := t.Flush(); err != nil {
		return unwritten(err)
	}
	return bad
}

// askOne asks one node, "" for any, for no longer than a look takes, so that one that is
// down does not keep the others' answers back.
func askOne(ctx context.Context, l *logClient, name string) (commitlog.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	s, err := l.Status(onNode(ctx, name))
	if errors.Is(err, context.DeadlineExceeded) {
		err = os.ErrDeadlineExceeded // not that of the command
	}
	return s, err
}

func logWaitCommand() *cobra.Command {
	var offset uint64
	var node string
	c := askCommand(&cobra.Command{
		Use:     "wait",
		Short:   "Wait until a record can be read",
		Long:    "Wait until the record at an offset can be read, on the leader or on one node.",
		Example: "  rehearse log wait --offset 41 --node n2 --timeout 1m",
	}, func(ctx context.Context, l *logClient, _ io.Writer) error {
		err := l.WaitOffset(onNode(ctx, node), offset)
		if errors.Is(err, context.DeadlineExceeded) {
			err = notYet(context.WithoutCancel(ctx), l, offset, err)
		}
		return err
	})
	c.Flags().Uint64Var(&offset, "offset", 0, "the record's `offset`")
	c.Flags().StringVar(&node, "node", "", "the `name` of the node where it is to be readable; the leader if not given")
	if err := c.MarkFlagRequired("offset"); err != nil {
		panic("rehearse: " + err.Error())
	}
	return c
}

// notYet says how far the log has come when a record was waited for in vain.
func notYet(ctx context.Context, l *logClient, offset uint64, err error) error {
	s, failed := askOne(ctx, l, "")
	if failed != nil || s.Leader.ID == "" {
		return err // which is told with what is wrong with the cluster
	}
	return &brokenError{fmt.Errorf("offset %d cannot be read within --timeout %v: the log holds %d up to, "+
		"not including, %d, as %s knows it", offset, l.config.timeout(), s.Low, s.Next, s.Name)}
}

func logWatchCommand() *cobra.Command {
	var node string
	c := &cobra.Command{
		Use:   "watch",
		Short: "Print who leads, and what happens on a node, as it happens",
		Long: "Print who leads and what has happened on a node since it was started, then what happens, one thing a\n" +
			"line, until interrupted or until the node ends.",
		Args: noArguments,
	}
	given := addClientFlags(c)
	c.Flags().StringVar(&node, "node", "", "the `name` of the node; any if not given")
	c.RunE = func(c *cobra.Command, _ []string) error {
		s := streams{c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()}
		return given.command(c.Context(), s, func(ctx context.Context, l *logClient) error {
			return watch(onNode(ctx, node), l, s.out)
		})
	}
	return c
}

// watch prints what a node tells, until ctx ends.
func watch(ctx context.Context, l *logClient, w io.Writer) error {
	on, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	wait := newDeadline(l.config.timeout(), cancel)
	defer wait.Stop()
	if _, err := l.Status(on); err != nil { // that the node is known, and there
		return causeOf(on, err)
	}
	stream, err := logv1.NewLogClient(l.Conn()).Watch(on, &logv1.WatchRequest{Leader: true, Events: true})
	for err == nil {
		var m *logv1.WatchResponse
		if m, err = stream.Recv(); err != nil {
			break
		}
		wait.Stop()
		if _, err := io.WriteString(w, watched(m)+"\n"); err != nil {
			return unwritten(err)
		}
	}
	if ctx.Err() != nil {
		return nil // until interrupted, as was asked for
	}
	return causeOf(on, err)
}

// watched is one thing that a node tells, as a line.
func watched(m *logv1.WatchResponse) string {
	if e := m.GetEvent(); e != nil {
		return commitlog.Event{
			Seq: e.GetSeq(), Kind: commitlog.Kind(e.GetKind()), Index: e.GetIndex(), Term: e.GetTerm(),
			Node: e.GetNode(), Note: e.GetNote(),
		}.String()
	}
	l := m.GetLeader()
	if l.GetId() == "" {
		return "leader: nobody"
	}
	return fmt.Sprintf("leader: %s at %s, term %d", l.GetId(), l.GetRpcAddr(), l.GetTerm())
}
