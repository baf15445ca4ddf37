// What a caller may do to a resource, all told.

package call

import "github.com/twmb/franz-go/pkg/kmsg"

// ClusterName is the only name of the cluster as a resource.
const ClusterName = "kafka-cluster"

// The operations that each kind of resource knows (KIP-430).
var (
	topicOperations = []kmsg.ACLOperation{
		kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationCreate, kmsg.ACLOperationDelete,
		kmsg.ACLOperationAlter, kmsg.ACLOperationDescribe, kmsg.ACLOperationDescribeConfigs,
		kmsg.ACLOperationAlterConfigs,
	}
	groupOperations = []kmsg.ACLOperation{
		kmsg.ACLOperationRead, kmsg.ACLOperationDelete, kmsg.ACLOperationDescribe,
		kmsg.ACLOperationDescribeConfigs, kmsg.ACLOperationAlterConfigs,
	}
	clusterOperations = []kmsg.ACLOperation{
		kmsg.ACLOperationCreate, kmsg.ACLOperationAlter, kmsg.ACLOperationDescribe,
		kmsg.ACLOperationClusterAction, kmsg.ACLOperationDescribeConfigs, kmsg.ACLOperationAlterConfigs,
		kmsg.ACLOperationIdempotentWrite,
	}
)

// TopicOperations returns, as bits, what the caller may do to a topic.
func (c *Call) TopicOperations(topic string) int32 {
	return bits(topicOperations, func(op kmsg.ACLOperation) bool { return c.AllowsTopic(op, topic) })
}

// GroupOperations returns, as bits, what the caller may do to a group.
func (c *Call) GroupOperations(group string) int32 {
	return bits(groupOperations, func(op kmsg.ACLOperation) bool { return c.AllowsGroup(op, group) })
}

// ClusterOperations returns, as bits, what the caller may do to the cluster:
// nothing at all, in Kafka's word, if it may not describe it.
func (c *Call) ClusterOperations() int32 {
	if !c.AllowsCluster(kmsg.ACLOperationDescribe) {
		return 0
	}
	return bits(clusterOperations, c.AllowsCluster)
}

// bits sets the bit of each operation that is allowed.
func bits(operations []kmsg.ACLOperation, allowed func(kmsg.ACLOperation) bool) (set int32) {
	for _, op := range operations {
		if allowed(op) {
			set |= 1 << op
		}
	}
	return set
}
