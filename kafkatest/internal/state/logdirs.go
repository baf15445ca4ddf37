// DescribeLogDirs and AlterReplicaLogDirs.

package state

import (
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// volume is the size that is told of the volume the directories are on.
const volume = 1 << 40

func logDirAPIs() []api {
	return []api{
		serves(kmsg.DescribeLogDirs, 0, 5, (*Cluster).describeLogDirs),
		serves(kmsg.AlterReplicaLogDirs, 0, 2, (*Cluster).alterReplicaLogDirs),
	}
}

// logDirs returns a broker's directories, at least one.
func (c *Cluster) logDirs(broker int32) []string {
	for _, name := range []string{"log.dirs", "log.dir"} {
		if dirs := c.settings.Of(broker, name).List(); len(dirs) > 0 {
			return dirs
		}
	}
	return []string{"data"}
}

func (c *Cluster) describeLogDirs(x *call.Call, req *kmsg.DescribeLogDirsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeLogDirsResponse)
	if !x.AllowsCluster(kmsg.ACLOperationDescribe) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return resp
	}
	used := int64(0)
	for p := range c.partitions() {
		if slices.Contains(p.Replicas, x.Broker) {
			used += p.sizeOn(x.Broker)
		}
	}
	asked := req.Topics
	if asked == nil {
		for _, name := range c.names {
			asked = append(asked, kmsg.DescribeLogDirsRequestTopic{Topic: name, Partitions: c.numbers(name)})
		}
	}
	for _, dir := range c.logDirs(x.Broker) {
		described := kmsg.NewDescribeLogDirsResponseDir()
		described.Dir, described.TotalBytes, described.UsableBytes = dir, volume, max(0, volume-used)
		described.Topics = c.hosted(x.Broker, dir, asked)
		resp.Dirs = append(resp.Dirs, described)
	}
	return resp
}

// hosted describes those of the partitions asked for of which a broker has a
// replica in a directory.
func (c *Cluster) hosted(
	broker int32, dir string, asked []kmsg.DescribeLogDirsRequestTopic,
) []kmsg.DescribeLogDirsResponseDirTopic {
	var topics []kmsg.DescribeLogDirsResponseDirTopic
	for i := range asked {
		topic := kmsg.NewDescribeLogDirsResponseDirTopic()
		topic.Topic = asked[i].Topic
		for _, number := range asked[i].Partitions {
			p, ok := c.Partition(topic.Topic, number)
			if !ok || c.dirOf(p, broker) != dir {
				continue
			}
			described := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
			described.Partition, described.Size, described.OffsetLag = number, p.sizeOn(broker), p.lagOf(broker)
			topic.Partitions = append(topic.Partitions, described)
		}
		if len(topic.Partitions) > 0 {
			topics = append(topics, topic)
		}
	}
	return topics
}

// dirOf returns the directory in which a broker has its replica of a
// partition, "" if it has none: where it was moved to, else the first.
func (c *Cluster) dirOf(p *Partition, broker int32) string {
	if !slices.Contains(p.Replicas, broker) {
		return ""
	}
	dirs := c.logDirs(broker)
	if slices.Contains(dirs, p.dirs[broker]) {
		return p.dirs[broker]
	}
	return dirs[0]
}

// lagOf returns by how many offsets a replica is behind.
func (p *Partition) lagOf(broker int32) int64 {
	if end, behind := p.behind[broker]; behind {
		return max(0, p.log.End()-end)
	}
	return 0
}

// sizeOn returns how many bytes a replica holds. Of one that is behind it is
// the part that its offsets are of the whole.
func (p *Partition) sizeOn(broker int32) int64 {
	size, whole := p.log.Size(), p.log.End()-p.log.Start()
	lag := min(p.lagOf(broker), whole)
	if lag == 0 {
		return size
	}
	return int64(float64(size) * float64(whole-lag) / float64(whole))
}

func (c *Cluster) alterReplicaLogDirs(x *call.Call, req *kmsg.AlterReplicaLogDirsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AlterReplicaLogDirsResponse)
	at := map[string]int{} // of each topic in the answer
	for i := range req.Dirs {
		for _, asked := range req.Dirs[i].Topics {
			if _, ok := at[asked.Topic]; !ok {
				at[asked.Topic] = len(resp.Topics)
				topic := kmsg.NewAlterReplicaLogDirsResponseTopic()
				topic.Topic = asked.Topic
				resp.Topics = append(resp.Topics, topic)
			}
			topic := &resp.Topics[at[asked.Topic]]
			for _, number := range asked.Partitions {
				answer := kmsg.NewAlterReplicaLogDirsResponseTopicPartition()
				answer.Partition = number
				answer.ErrorCode = c.moveLogDir(x, req.Dirs[i].Dir, asked.Topic, number).Code()
				topic.Partitions = append(topic.Partitions, answer)
			}
		}
	}
	return resp
}

// moveLogDir moves a replica into a directory of its broker, at once.
func (c *Cluster) moveLogDir(x *call.Call, dir, topic string, number int32) *call.Refusal {
	if !x.AllowsCluster(kmsg.ACLOperationAlter) {
		return call.Refuse(kerr.ClusterAuthorizationFailed, "")
	}
	if !slices.Contains(c.logDirs(x.Broker), dir) {
		return call.Refuse(kerr.LogDirNotFound, "")
	}
	p, ok := c.Partition(topic, number)
	switch {
	case !ok:
		return call.Refuse(kerr.UnknownTopicOrPartition, "")
	case !slices.Contains(p.Replicas, x.Broker):
		return call.Refuse(kerr.ReplicaNotAvailable, "")
	}
	if p.dirs == nil {
		p.dirs = map[int32]string{}
	}
	p.dirs[x.Broker] = dir
	return nil
}
