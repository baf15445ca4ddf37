// What a fetch session holds, for whoever must know what a request leaves out.

package state

import "github.com/twmb/franz-go/pkg/kmsg"

// SessionTopics returns what a session on a broker asks for, in its order and
// by name or id as the session does, each partition by itself; nil if there is
// no such session.
func (c *Cluster) SessionTopics(broker, id int32) (topics []kmsg.FetchRequestTopic) {
	s, ok := c.sessions[sessionKey{broker, id}]
	if !ok {
		return nil
	}
	for _, w := range s.wishes {
		t := kmsg.NewFetchRequestTopic()
		t.Topic, t.TopicID = w.topic, w.id
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset = w.partition, w.offset
		t.Partitions = append(t.Partitions, p)
		topics = append(topics, t)
	}
	return topics
}
