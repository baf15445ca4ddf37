// Versions of Kafka that a cluster appears as.

package state_test

import (
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAPersonaServesTheVersionsOfItsKafka(t *testing.T) {
	rows := []struct {
		persona        string
		key            kmsg.Key
		lowest, higher int16
		served         bool
	}{
		{"0.8.2", kmsg.Metadata, 0, 0, true},
		{"0.11", kmsg.Produce, 0, 3, true}, // a minor version of 0, as 0.10.2 is
		{"2.4", kmsg.Produce, 0, 8, true},
		{"2.4", kmsg.Fetch, 0, 11, true},
		{"2.4", kmsg.DescribeCluster, 0, 0, false}, // KIP-700, Kafka 2.8
		{"2.4", kmsg.ConsumerGroupHeartbeat, 0, 0, false},
		{"2.8", kmsg.DescribeCluster, 0, 0, true},
		{"2.8", kmsg.Metadata, 0, 11, true},
		{"3.9", kmsg.Produce, 0, 11, true},
		{"3.9", kmsg.JoinGroup, 0, 9, true},
		{"4.0", kmsg.Produce, 3, 12, true},
		{"4.0", kmsg.Fetch, 4, 17, true},
		{"4.0", kmsg.JoinGroup, 2, 9, true},
		{"4.0", kmsg.Metadata, 0, 13, true},
		{"4.0", kmsg.ConsumerGroupHeartbeat, 0, 1, true},
		{"", kmsg.Produce, 0, 13, true},
		{"", kmsg.Fetch, 0, 18, true},
		{"", kmsg.LeaderAndISR, 0, 0, false}, // between brokers alone
	}
	for _, row := range rows {
		d := newPersona(t, row.persona, 1, nil)
		lowest, highest, ok := d.Versions(row.key.Int16())
		if lowest != row.lowest || highest != row.higher || ok != row.served {
			t.Errorf("%q serves %s from %d to %d (%v), want %d to %d (%v)",
				row.persona, row.key.Name(), lowest, highest, ok, row.lowest, row.higher, row.served)
		}
	}
}

func TestKafka4AdvertisesOldProducesThatItRefuses(t *testing.T) {
	d := newPersona(t, "4.0", 1, nil)
	req := &kmsg.ApiVersionsRequest{Version: 3, ClientSoftwareName: "app", ClientSoftwareVersion: "1.0"}
	resp := ask[*kmsg.ApiVersionsResponse](d, req)
	k := resp.ApiKeys[0] // they are sorted, and Produce is 0
	if k.ApiKey != kmsg.Produce.Int16() || k.MinVersion != 0 || k.MaxVersion != 12 {
		t.Errorf("API %d is advertised from %d to %d", k.ApiKey, k.MinVersion, k.MaxVersion)
	}
	if lowest, highest, served := d.Versions(kmsg.Produce.Int16()); lowest != 3 || highest != 12 || !served {
		t.Errorf("Produce is served from %d to %d", lowest, highest)
	}
}

func TestEveryAPIIsAdvertisedOnce(t *testing.T) {
	d := newDriver(t, 1, nil)
	req := &kmsg.ApiVersionsRequest{Version: 3, ClientSoftwareName: "app", ClientSoftwareVersion: "1.0"}
	last := int16(-1)
	for _, k := range ask[*kmsg.ApiVersionsResponse](d, req).ApiKeys {
		if k.ApiKey <= last {
			t.Errorf("%s comes after key %d", kmsg.NameForKey(k.ApiKey), last)
		}
		last = k.ApiKey
	}
	if last < kmsg.DescribeCluster.Int16() {
		t.Errorf("the last that is advertised is %d", last)
	}
}

func TestNothingBetweenBrokersIsAdvertised(t *testing.T) {
	d := newDriver(t, 1, nil)
	between := []kmsg.Key{
		kmsg.LeaderAndISR, kmsg.StopReplica, kmsg.UpdateMetadata, kmsg.ControlledShutdown, kmsg.Vote,
		kmsg.BeginQuorumEpoch, kmsg.EndQuorumEpoch, kmsg.AlterPartition, kmsg.Envelope, kmsg.FetchSnapshot,
		kmsg.BrokerRegistration, kmsg.BrokerHeartbeat, kmsg.AllocateProducerIDs,
	}
	for _, key := range between {
		if _, _, ok := d.Versions(key.Int16()); ok {
			t.Errorf("%s is served", key.Name())
		}
	}
}

func TestAnUnknownVersionOfKafkaIsAnErrorThatNamesTheKnown(t *testing.T) {
	for _, version := range []string{"9.9", "abc", "3"} {
		_, err := state.New(state.Config{Version: version, Brokers: []state.Member{{ID: 1}}})
		if err == nil || !strings.Contains(err.Error(), version) {
			t.Errorf("%q: the error is %v", version, err)
		}
		if version == "9.9" && !strings.Contains(err.Error(), "those from 0.8.0 to 4.") {
			t.Errorf("the known versions are not told in order: %v", err)
		}
	}
}

func TestAutoCreationAnswersAsItsKafkaDid(t *testing.T) {
	rows := []struct {
		persona string
		code    int16
	}{{"2.4", 5}, {"2.8", 3}, {"", 3}}
	for _, row := range rows {
		d := newPersona(t, row.persona, 1, nil)
		name := "orders"
		req := &kmsg.MetadataRequest{Version: 8, AllowAutoTopicCreation: true}
		req.Topics = []kmsg.MetadataRequestTopic{{Topic: &name}}
		first := ask[*kmsg.MetadataResponse](d, req)
		if got := first.Topics[0].ErrorCode; got != row.code {
			t.Errorf("%q answers %d first, want %d", row.persona, got, row.code)
		}
		second := ask[*kmsg.MetadataResponse](d, req)
		if got := second.Topics[0]; got.ErrorCode != 0 || len(got.Partitions) != 1 {
			t.Errorf("%q answers %+v then", row.persona, got)
		}
	}
}
