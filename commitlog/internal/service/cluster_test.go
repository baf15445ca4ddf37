// What is told of the cluster, as clients see it.

package service_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/service"
	"github.com/rehearse-go/rehearse/commitlog/internal/status"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// three is the status of a node of three.
var three = commitlog.Status{
	Name: "n1", Cluster: "c", ID: 11, Role: commitlog.Learning, Term: 7,
	Leader:    commitlog.Leader{ID: "n2", Addr: "b:1", Term: 7, Gen: 4},
	Committed: 5, Applied: 4, Durable: 6, Low: 1,
	Members: []commitlog.Member{
		{Name: "n2", Addr: "b:1", ID: 12, Leader: true},
		{Name: "n1", Addr: "a:1", ID: 11, Learner: true},
		{Name: "n3", Addr: "c:1", ID: 13},
	},
	Failed: commitlog.Full{Why: errors.New("ENOSPC")},
}

func TestTheServersAreToldByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, service.Config{Node: &fake{status: three}})
		got := must(s.GetServers(t.Context(), &logv1.GetServersRequest{}))(t)
		want := &logv1.GetServersResponse{Servers: []*logv1.Server{
			{Id: "n1", RpcAddr: "a:1", Learner: true}, {Id: "n2", RpcAddr: "b:1", IsLeader: true},
			{Id: "n3", RpcAddr: "c:1"},
		}}
		if !proto.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	})
}

func TestTheStatusIsToldWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{status: three}
		node.fill(8, numbered)
		s := serve(t, service.Config{Node: node})
		got := must(s.Status(t.Context(), &logv1.StatusRequest{}))(t)
		want := &logv1.StatusResponse{
			Name: "n1", Cluster: "c", Id: 11, Role: logv1.Role_LEARNER, Term: 7,
			Leader:    &logv1.Leader{Id: "n2", RpcAddr: "b:1", Term: 7, Gen: 4},
			Committed: 5, Applied: 4, Durable: 6, Low: 1, Next: 8,
			Members: []*logv1.Member{
				{Name: "n1", RpcAddr: "a:1", Id: 11, Learner: true},
				{Name: "n2", RpcAddr: "b:1", Id: 12, Leader: true},
				{Name: "n3", RpcAddr: "c:1", Id: 13},
			},
			Failed: three.Failed.Error(),
		}
		if !proto.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	})
}

func TestWhatTellsOfTheClusterNeedsAnIdentityOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		s := serve(t, service.Config{Node: &fake{}, Authorize: func(_ context.Context, action string) error {
			asked = append(asked, action)
			return errors.New("no")
		}})
		_, err := s.GetServers(t.Context(), &logv1.GetServersRequest{})
		expect(t, "GetServers", err, codes.PermissionDenied)
		_, err = s.Status(t.Context(), &logv1.StatusRequest{})
		expect(t, "Status", err, codes.PermissionDenied)
		_, err = s.Wait(t.Context(), &logv1.WaitRequest{Index: 1})
		expect(t, "Wait", err, codes.PermissionDenied)
		_, err = must(s.Watch(t.Context(), &logv1.WatchRequest{Leader: true}))(t).Recv()
		expect(t, "Watch", err, codes.PermissionDenied)
		if want := []string{"", "", "", ""}; !slices.Equal(asked, want) {
			t.Errorf("asked for %q, want %q", asked, want)
		}
	})
}

func TestAWaitAnswersWhenTheStageIsReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{}
		s := serve(t, service.Config{Node: node})
		began := time.Now()
		time.AfterFunc(time.Minute, func() { node.fill(3, numbered) })
		for _, req := range []*logv1.WaitRequest{
			{Index: 1}, {Index: 2, Term: 7, Stage: logv1.Stage_DURABLE}, {Index: 3, Stage: logv1.Stage_APPLIED},
			{Offset: proto.Uint64(0)}, {Offset: proto.Uint64(2)},
		} {
			must(s.Wait(t.Context(), req))(t)
			if took := time.Since(began); took != time.Minute {
				t.Errorf("%v was answered after %v", req, took)
			}
		}
		if got, want := fmt.Sprint(at(node, &node.waited)), "[committed 1 0 durable 2 7 applied 3 0]"; got != want {
			t.Errorf("the node was asked %s, want %s", got, want)
		}
		_, err := s.Wait(t.Context(), &logv1.WaitRequest{Index: 9, Term: 1})
		expect(t, "what is superseded", err, codes.Aborted)
		if want := (commitlog.Superseded{Index: 9, Term: 1, By: 7}); !errors.Is(status.FromStatus(err), want) {
			t.Errorf("it came back as %v", status.FromStatus(err))
		}
	})
}

func TestTheLeaderIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{status: three}
		s := serve(t, service.Config{Node: node})
		stream := must(s.Watch(t.Context(), &logv1.WatchRequest{Leader: true}))(t)
		want := &logv1.Leader{Id: "n2", RpcAddr: "b:1", Term: 7, Gen: 4}
		if got := must(stream.Recv())(t); !proto.Equal(got.GetLeader(), want) {
			t.Errorf("first %v, want %v", got, want)
		}
		node.change(func() { node.status.Leader = commitlog.Leader{Term: 8, Gen: 5} })
		if got := must(stream.Recv())(t); got.GetLeader().GetGen() != 5 || got.GetLeader().GetId() != "" {
			t.Errorf("then %v", got)
		}
		node.change(func() { node.closed = true })
		_, err := stream.Recv()
		expect(t, "when the node ends", err, codes.Unavailable)
		if !errors.Is(status.FromStatus(err), commitlog.ErrClosed) {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestEventsAreWatchedFromWhereOneLikes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fake{status: three}
		for _, note := range []string{"a", "b", "c\xff"} {
			node.happens(commitlog.Event{Kind: commitlog.Refused, Index: 3, Term: 4, Node: "n3", Note: note})
		}
		s := serve(t, service.Config{Node: node})
		stream := must(s.Watch(t.Context(), &logv1.WatchRequest{Events: true, From: 2}))(t)
		want := &logv1.Event{Seq: 2, Kind: "refused", Index: 3, Term: 4, Node: "n3", Note: "b"}
		if got := must(stream.Recv())(t); !proto.Equal(got.GetEvent(), want) {
			t.Errorf("first %v, want %v", got, want)
		}
		if got := must(stream.Recv())(t); got.GetEvent().GetNote() != "c\uFFFD" {
			t.Errorf("then %v", got)
		}
		all := must(s.Watch(t.Context(), &logv1.WatchRequest{Events: true, Leader: true}))(t)
		var seen []string
		for range 4 {
			got := must(all.Recv())(t)
			seen = append(seen, fmt.Sprint(got.GetLeader().GetId(), got.GetEvent().GetSeq()))
		}
		if slices.Sort(seen); !slices.Equal(seen, []string{"1", "2", "3", "n20"}) {
			t.Errorf("both together: %q", seen)
		}
	})
}

func TestReflectionKnowsTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, service.Config{Node: &fake{}})
		stream := must(grpc_reflection_v1.NewServerReflectionClient(s.conn).ServerReflectionInfo(t.Context()))(t)
		if err := stream.Send(&grpc_reflection_v1.ServerReflectionRequest{
			MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}); err != nil {
			t.Fatal(err)
		}
		if got := must(stream.Recv())(t); !strings.Contains(got.String(), `"log.v1.Log"`) {
			t.Errorf("told %v", got)
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != io.EOF {
			t.Errorf("ended with %v", err)
		}
	})
}
