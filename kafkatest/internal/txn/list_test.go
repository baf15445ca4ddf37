// Tests of what is told about transactions, to clients and to tests.

package txn_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/txn"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describe asks about one transactional id.
func (c *cluster) describe(id string) kmsg.DescribeTransactionsResponseTransactionState {
	req := kmsg.NewDescribeTransactionsRequest()
	req.TransactionalIDs = []string{id}
	return c.x.DescribeTransactions(c.call(), &req).(*kmsg.DescribeTransactionsResponse).TransactionStates[0]
}

func TestATransactionIsDescribed(t *testing.T) {
	c := start(t)
	p := c.init("tx")
	if d := c.describe("tx"); d.State != "Empty" || d.StartTimestamp != -1 || d.TimeoutMillis != 60_000 {
		t.Errorf("before: %+v", d)
	}
	c.want(c.add(3, p, 2, 0), nil)
	c.want(c.addGroup(3, p, "g"), nil)
	c.want(c.addGroup(3, p, "h"), nil)
	d := c.describe("tx")
	if d.State != "Ongoing" || d.ProducerID != p.ID || d.ProducerEpoch != 0 || d.StartTimestamp != 1000_000 {
		t.Errorf("got %+v", d)
	}
	if len(d.Topics) != 2 || d.Topics[0].Topic != "__consumer_offsets" || d.Topics[1].Topic != "a" ||
		!slices.Equal(d.Topics[0].Partitions, []int32{1}) || !slices.Equal(d.Topics[1].Partitions, []int32{0, 2}) {
		t.Errorf("got %+v", d.Topics)
	}

	c.deny = func(_ kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool {
		return kind == kmsg.ACLResourceTypeTopic && name == "a" || name == "secret"
	}
	if d := c.describe("tx"); len(d.Topics) != 1 {
		t.Errorf("a topic without rights is told: %+v", d.Topics)
	}
	c.coordinators["elsewhere"] = kerr.NotCoordinator
	for id, want := range map[string]*kerr.Error{
		"secret": kerr.TransactionalIDAuthorizationFailed, "elsewhere": kerr.NotCoordinator,
		"nobody's": kerr.TransactionalIDNotFound, "": kerr.InvalidRequest,
	} {
		c.want(kerr.ErrorForCode(c.describe(id).ErrorCode), want)
	}
}

func TestTransactionsAreListed(t *testing.T) {
	c := start(t)
	old := c.init("pay-1")
	c.want(c.add(3, old, 0), nil)
	c.pass(10 * time.Second)
	young := c.init("pay-2")
	c.want(c.add(3, young, 0), nil)
	done := c.init("ship-1")
	c.want(c.add(3, done, 0), nil)
	_, err := c.end(4, done, true)
	c.want(err, nil)
	c.init("secret")
	c.deny = func(_ kmsg.ACLOperation, _ kmsg.ACLResourceType, name string) bool { return name == "secret" }
	c.coordinators["elsewhere"] = nil
	c.init("elsewhere")
	c.coordinators["elsewhere"] = kerr.NotCoordinator
	c.pass(time.Second)

	pattern := func(s string) *string { return &s }
	for _, row := range []struct {
		name string
		set  func(*kmsg.ListTransactionsRequest)
		want []string
	}{
		{"all", func(r *kmsg.ListTransactionsRequest) {}, []string{"pay-1", "pay-2", "ship-1"}},
		{"by state", func(r *kmsg.ListTransactionsRequest) { r.StateFilters = []string{"CompleteCommit", "Dead"} },
			[]string{"ship-1"}},
		{"by a state nobody knows", func(r *kmsg.ListTransactionsRequest) { r.StateFilters = []string{"Lost"} }, nil},
		{"by producer", func(r *kmsg.ListTransactionsRequest) { r.ProducerIDFilters = []int64{young.ID, 5} },
			[]string{"pay-2"}},
		{"by duration", func(r *kmsg.ListTransactionsRequest) { r.DurationFilterMillis = 1000 }, []string{"pay-1"}},
		{"by no duration", func(r *kmsg.ListTransactionsRequest) { r.DurationFilterMillis = 0 },
			[]string{"pay-1", "pay-2", "ship-1"}},
		{"by pattern", func(r *kmsg.ListTransactionsRequest) { r.TransactionalIDPattern = pattern("pay-.|ship") },
			[]string{"pay-1", "pay-2"}},
		{"by an empty pattern", func(r *kmsg.ListTransactionsRequest) { r.TransactionalIDPattern = pattern("") },
			[]string{"pay-1", "pay-2", "ship-1"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			req := kmsg.NewListTransactionsRequest()
			req.Version = 2
			row.set(&req)
			resp := c.x.ListTransactions(c.call(), &req).(*kmsg.ListTransactionsResponse)
			var got []string
			for _, s := range resp.TransactionStates {
				got = append(got, s.TransactionalID)
			}
			if resp.ErrorCode != 0 || !slices.Equal(got, row.want) {
				t.Errorf("got %v, %d, want %v", got, resp.ErrorCode, row.want)
			}
		})
	}
}

func TestAFilterThatIsNotUnderstoodIsTold(t *testing.T) {
	c := start(t)
	req := kmsg.NewListTransactionsRequest()
	req.Version = 2
	req.StateFilters = []string{"Lost", "Ongoing"}
	resp := c.x.ListTransactions(c.call(), &req).(*kmsg.ListTransactionsResponse)
	if !slices.Equal(resp.UnknownStateFilters, []string{"Lost"}) {
		t.Errorf("got %q", resp.UnknownStateFilters)
	}
	for _, bad := range []string{"([", "a)|(?:b"} {
		req.TransactionalIDPattern = &bad
		resp = c.x.ListTransactions(c.call(), &req).(*kmsg.ListTransactionsResponse)
		c.want(kerr.ErrorForCode(resp.ErrorCode), kerr.InvalidRegularExpression)
	}
}

func TestAWatcherSeesEveryChange(t *testing.T) {
	c := start(t)
	var seen []txn.State
	c.x.Watch(func(id string) { seen = append(seen, c.state(id)) })
	p := c.init("tx")
	c.want(c.add(3, p, 0), nil)
	c.want(c.add(3, p, 0), nil) // nothing new
	_, err := c.end(4, p, true)
	c.want(err, nil)
	want := []txn.State{txn.Empty, txn.Ongoing, txn.PrepareCommit, txn.CompleteCommit}
	if !slices.Equal(seen, want) {
		t.Errorf("saw %v, want %v", seen, want)
	}
}

func TestASnapshotTellsWhatIsTouched(t *testing.T) {
	c := start(t)
	p := c.init("b")
	c.init("a")
	c.want(c.add(3, p, 2, 0), nil)
	c.want(c.addGroup(3, p, "g"), nil)
	all := c.x.All()
	if len(all) != 2 || all[0].TxnID != "a" || all[1].TxnID != "b" {
		t.Fatalf("got %+v", all)
	}
	s := all[1]
	if s.State != txn.Ongoing || s.ProducerID != p.ID ||
		s.Timeout != time.Minute || !s.Start.Equal(time.Unix(1000, 0)) ||
		!slices.Equal(s.Partitions, []txn.Partition{{Topic: "a"}, {Topic: "a", Index: 2}}) ||
		!slices.Equal(s.Groups, []string{"g"}) {
		t.Errorf("got %+v", s)
	}
	if _, ok := c.x.Snapshot("c"); ok {
		t.Error("an id nobody used is known")
	}
}
