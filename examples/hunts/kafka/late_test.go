// What transactions of the second version are for: a request that comes late.

package kafka_test

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// A copier's commit of offset 1 is held up in the broker. The client gives its
// connection up, commits again, ends the transaction, and commits 2 in the
// next. Then, before that one is ended, the broker comes to the first commit.
// Before KIP-890 both transactions have the same epoch, so that 1 replaces 2,
// and a record will be copied twice. No client of that protocol is safe from it.
func TestALateCommitOfOffsetsUndoesALaterOneUnlessEachTransactionHasItsEpoch(t *testing.T) {
	for _, c := range []struct {
		version string
		want    int64
	}{{"3.9", 1}, {"4.1", 2}} {
		t.Run(c.version, func(t *testing.T) {
			config := kafkatest.Config{Version: c.version, Topics: map[string]int{"in": 1, "out": 1}}
			inBubble(t, config, func(cl *cluster, k *kafkatest.Cluster) {
				put(cl, k, 0, "one")
				apply(cl, k, "before TxnOffsetCommit nth=1: delay 15s")
				apply(cl, k, "before EndTxn nth=2: delay 7s")
				session := newCopier(cl, "copier")
				defer session.Close()
				must(cl, copySome(context.Background(), session))
				put(cl, k, 0, "two")
				must(cl, copySome(context.Background(), session))
				if at, _ := k.Group("g").Committed("in", 0); at != c.want {
					t.Errorf("after two records %d is committed, want %d", at, c.want)
				}
			})
		})
	}
}

func newCopier(c *cluster, host string) *kgo.GroupTransactSession {
	c.T.Helper()
	session, err := kgo.NewGroupTransactSession(append(kgoOpts(c, host),
		kgo.TransactionalID("copier-"+host), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("in"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)...)
	must(c, err)
	return session
}

// copySome copies what there is, in one transaction.
func copySome(ctx context.Context, session *kgo.GroupTransactSession) error {
	fetches := session.PollRecords(ctx, 10)
	if ctx.Err() != nil {
		return nil
	}
	if err := fetches.Err(); err != nil {
		return err
	}
	if err := session.Begin(); err != nil {
		return err
	}
	first := kgo.AbortingFirstErrPromise(session.Client())
	fetches.EachRecord(func(r *kgo.Record) {
		session.Produce(ctx, &kgo.Record{Topic: "out", Partition: r.Partition, Value: r.Value}, first.Promise())
	})
	_, err := session.End(ctx, first.Err() == nil)
	if ctx.Err() != nil {
		return nil
	}
	return err
}
