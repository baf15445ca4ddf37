// What brokers have in their directories is told, and moved.

package state_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// dirs prints what the asked broker has in its directories.
func dirs(d *driver, topics ...kmsg.DescribeLogDirsRequestTopic) string {
	d.t.Helper()
	resp := ask[*kmsg.DescribeLogDirsResponse](d, &kmsg.DescribeLogDirsRequest{Version: 4, Topics: topics})
	wantCode(d.t, "the directories", resp.ErrorCode, nil)
	var lines []string
	for _, dir := range resp.Dirs {
		if dir.TotalBytes <= 0 || dir.UsableBytes > dir.TotalBytes {
			d.t.Errorf("%s has %d bytes of %d", dir.Dir, dir.UsableBytes, dir.TotalBytes)
		}
		line := dir.Dir
		for _, topic := range dir.Topics {
			for _, p := range topic.Partitions {
				line += fmt.Sprintf(" %s-%d", topic.Topic, p.Partition)
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, ", ")
}

// moveDir moves partition n of a topic into a directory.
func moveDir(d *driver, dir, topic string, n int32) int16 {
	d.t.Helper()
	req := &kmsg.AlterReplicaLogDirsRequest{Version: 2}
	req.Dirs = []kmsg.AlterReplicaLogDirsRequestDir{{Dir: dir}}
	req.Dirs[0].Topics = []kmsg.AlterReplicaLogDirsRequestDirTopic{{Topic: topic, Partitions: []int32{n}}}
	return ask[*kmsg.AlterReplicaLogDirsResponse](d, req).Topics[0].Partitions[0].ErrorCode
}

func TestABrokerTellsWhatIsInItsDirectories(t *testing.T) {
	d := newDriver(t, 2, map[string]string{"log.dirs": "/one,/two"})
	placed(d, "a", 1)
	placed(d, "b", 2, 1)
	placed(d, "c", 2)
	if got := dirs(d); got != "/one a-0 b-0, /two" {
		t.Errorf("broker 1 has %s", got)
	}
	wantCode(t, "the move", moveDir(d, "/two", "b", 0), nil)
	if got := dirs(d); got != "/one a-0, /two b-0" {
		t.Errorf("broker 1 has %s after the move", got)
	}
	asked := kmsg.DescribeLogDirsRequestTopic{Topic: "b", Partitions: []int32{0, 1, -1}}
	unknown := kmsg.DescribeLogDirsRequestTopic{Topic: "x", Partitions: []int32{0}}
	if got := dirs(d, asked, unknown); got != "/one, /two b-0" {
		t.Errorf("of those asked for, broker 1 has %s", got)
	}
	d.broker = 2
	if got := dirs(d); got != "/one b-0 c-0, /two" {
		t.Errorf("broker 2 has %s", got)
	}
}

func TestMovesBetweenDirectoriesThatCannotBeAreRefused(t *testing.T) {
	d := newDriver(t, 2, map[string]string{"log.dirs": "/one,/two"})
	placed(d, "a", 1)
	placed(d, "b", 2)
	for _, c := range []struct {
		dir, topic string
		n          int32
		want       *kerr.Error
	}{
		{"/three", "a", 0, kerr.LogDirNotFound},
		{"/two", "x", 0, kerr.UnknownTopicOrPartition},
		{"/two", "a", 1, kerr.UnknownTopicOrPartition},
		{"/two", "b", 0, kerr.ReplicaNotAvailable},
	} {
		wantCode(t, c.dir+" "+c.topic, moveDir(d, c.dir, c.topic, c.n), c.want)
	}
	d.only()
	wantCode(t, "without right", moveDir(d, "/two", "a", 0), kerr.ClusterAuthorizationFailed)
	resp := ask[*kmsg.DescribeLogDirsResponse](d, &kmsg.DescribeLogDirsRequest{Version: 3})
	wantCode(t, "telling without right", resp.ErrorCode, kerr.ClusterAuthorizationFailed)
}

func TestAReplicaThatIsBehindHoldsLess(t *testing.T) {
	d := newDriver(t, 2, nil)
	p := placed(d, "a", 1, 2)
	d.put(p.Topic, "one")
	held := p.Log().Size()
	p.FallBehind(2)
	req := production(9, p.Topic, records(batch.NewForm(), "two"))
	req.Acks = 1
	wantCode(t, "produce", d.produce(req).ErrorCode, nil)
	for broker, want := range map[int32][2]int64{1: {p.Log().Size(), 0}, 2: {held, 1}} {
		d.broker = broker
		resp := ask[*kmsg.DescribeLogDirsResponse](d, &kmsg.DescribeLogDirsRequest{Version: 4})
		got := resp.Dirs[0].Topics[0].Partitions[0]
		if got.Size != want[0] || got.OffsetLag != want[1] {
			t.Errorf("broker %d holds %d bytes and lacks %d offsets, want %v", broker, got.Size, got.OffsetLag, want)
		}
		if used := resp.Dirs[0].TotalBytes - resp.Dirs[0].UsableBytes; used != got.Size {
			t.Errorf("broker %d uses %d bytes, and holds %d", broker, used, got.Size)
		}
	}
}
