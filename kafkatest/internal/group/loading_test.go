// What is told while the coordinator loads its groups.

package group_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAHeartbeatIsFineWhileTheGroupIsLoaded(t *testing.T) {
	w := newWorld(t, nil)
	c := w.client("alice", "g")
	settle(t, c)
	w.moved = kerr.CoordinatorLoadInProgress
	wantCode(t, c.heartbeat(), nil)
	wantCode(t, synced(c.sync(nil)).ErrorCode, kerr.CoordinatorLoadInProgress)
}

func TestAnOldProducerIsNotToldThatTheCoordinatorLoads(t *testing.T) {
	w := newWorld(t, map[string]int32{"t": 1})
	w.moved = kerr.CoordinatorLoadInProgress
	for version := range int16(6) {
		want := kerr.CoordinatorLoadInProgress
		if version < 2 {
			want = kerr.CoordinatorNotAvailable
		}
		wantCode(t, txnCommitted(w.ask("alice", txnCommitRequest(version, 9, 5))), want)
	}
}

func TestNoGroupsAreListedWhileSomeAreLoaded(t *testing.T) {
	w := newWorld(t, nil)
	settle(t, w.client("alice", "g"))
	w.moved = kerr.CoordinatorLoadInProgress
	req := kmsg.NewPtrListGroupsRequest()
	req.Version = 5
	resp := answer[*kmsg.ListGroupsResponse](w.ask("admin", req))
	wantCode(t, resp.ErrorCode, kerr.CoordinatorLoadInProgress)
	if len(resp.Groups) != 0 {
		t.Fatalf("got %+v", resp.Groups)
	}
}
