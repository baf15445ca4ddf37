// The loggers of brokers, whose levels are configs (KIP-412).

package state

import (
	"maps"
	"slices"
	"strings"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// rootLogger is the logger that the others follow.
const rootLogger = "root"

// loggers are those that a broker tells of, sorted. They log nothing.
var loggers = []string{
	"kafka", "kafka.authorizer.logger", "kafka.coordinator", "kafka.log", "kafka.network.RequestChannel$",
	"kafka.request.logger", "kafka.server.KafkaApis", "kafka.server.ReplicaManager",
	"org.apache.kafka", "org.apache.kafka.controller", "org.apache.kafka.storage.internals.log.LogCleaner", rootLogger,
}

var levels = []string{"DEBUG", "ERROR", "FATAL", "INFO", "TRACE", "WARN"}

// level returns the level of a logger: its own, or that of the nearest above
// it, or of the root, or INFO.
func (c *Cluster) level(broker int32, logger string) string {
	set := c.admin.loggers[broker]
	for name := logger; ; {
		if level, ok := set[name]; ok {
			return level
		}
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 {
			break
		}
		name = name[:dot]
	}
	if level, ok := set[rootLogger]; ok {
		return level
	}
	return "INFO"
}

func (c *Cluster) describedLoggers(broker int32) []kmsg.DescribeConfigsResponseResourceConfig {
	configs := make([]kmsg.DescribeConfigsResponseResourceConfig, len(loggers))
	for i, logger := range loggers {
		configs[i] = kmsg.NewDescribeConfigsResponseResourceConfig()
		configs[i].Name, configs[i].Value = logger, kmsg.StringPtr(c.level(broker, logger))
		configs[i].Source = kmsg.ConfigSourceDynamicBrokerLoggerConfig
	}
	return configs
}

// alterLoggers sets and unsets levels, all of a request's or none.
func (c *Cluster) alterLoggers(broker int32, a alteration) *call.Refusal {
	set := maps.Clone(c.admin.loggers[broker])
	if set == nil {
		set = map[string]string{}
	}
	for _, change := range a.changes {
		if !slices.Contains(loggers, change.Name) {
			return call.Refuse(kerr.InvalidConfig, "Logger "+change.Name+" does not exist!")
		}
		switch change.Op {
		case kmsg.IncrementalAlterConfigOpSet:
			if !slices.Contains(levels, *change.Value) {
				return call.Refuse(kerr.InvalidConfig, "Cannot set the log level of "+change.Name+" to "+*change.Value+
					" as it is not a supported log level. Valid log levels are "+strings.Join(levels, ", "))
			}
			set[change.Name] = *change.Value
		case kmsg.IncrementalAlterConfigOpDelete:
			if change.Name == rootLogger {
				return call.Refuse(kerr.InvalidRequest,
					"Removing the log level of the root logger is not allowed")
			}
			delete(set, change.Name)
		default:
			return call.Refuse(kerr.InvalidRequest, "Only SET and DELETE are allowed for the log level of "+change.Name)
		}
	}
	if a.validate {
		return nil
	}
	if c.admin.loggers == nil {
		c.admin.loggers = map[int32]map[string]string{}
	}
	c.admin.loggers[broker] = set
	return nil
}
