// Features are told, raised and lowered as Kafka does it.

package state_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// featuresOf prints the features as ApiVersions tells them.
func featuresOf(d *driver, version int16) string {
	d.t.Helper()
	resp := ask[*kmsg.ApiVersionsResponse](d, &kmsg.ApiVersionsRequest{
		Version: version, ClientSoftwareName: "test", ClientSoftwareVersion: "1",
	})
	var told []string
	for _, f := range resp.SupportedFeatures {
		told = append(told, fmt.Sprintf("%s:%d-%d", f.Name, f.MinVersion, f.MaxVersion))
	}
	for _, f := range resp.FinalizedFeatures {
		told = append(told, fmt.Sprintf("%s=%d", f.Name, f.MaxVersionLevel))
	}
	return strings.Join(told, " ")
}

func TestEachKafkaHasItsFeatures(t *testing.T) {
	for _, c := range []struct {
		persona string
		version int16
		want    string
	}{
		{"2.8", 3, ""},
		{"3.3", 3, "metadata.version:1-7 metadata.version=7"},
		{"3.9", 3, "metadata.version:1-21 kraft.version=1 metadata.version=21"},
		{"4.0", 4, "group.version:0-1 kraft.version:0-1 metadata.version:7-25 transaction.version:0-2 " +
			"group.version=1 kraft.version=1 metadata.version=25 transaction.version=2"},
		{"", 4, "group.version:0-1 kraft.version:0-1 metadata.version:7-27 transaction.version:0-2 " +
			"group.version=1 kraft.version=1 metadata.version=27 transaction.version=2"},
		{"", 2, ""},
	} {
		if got := featuresOf(newPersona(t, c.persona, 1, nil), c.version); got != c.want {
			t.Errorf("Kafka %q tells %s", c.persona, got)
		}
	}
}

// levels makes a request to change one feature.
func levels(version int16, name string, level int16, kind int8) *kmsg.UpdateFeaturesRequest {
	updates := []kmsg.UpdateFeaturesRequestFeatureUpdate{
		{Feature: name, MaxVersionLevel: level, UpgradeType: kind, AllowDowngrade: kind > 1},
	}
	return &kmsg.UpdateFeaturesRequest{Version: version, FeatureUpdates: updates}
}

func TestAFeatureGoesDownAndUpAgain(t *testing.T) {
	d := newDriver(t, 1, nil)
	for version := range int16(3) {
		resp := ask[*kmsg.UpdateFeaturesResponse](d, levels(version, "transaction.version", 1, 2))
		wantCode(t, "down", resp.ErrorCode, nil)
		if got := featuresOf(d, 4); !strings.Contains(got, "transaction.version=1") {
			t.Errorf("after going down: %s", got)
		}
		resp = ask[*kmsg.UpdateFeaturesResponse](d, levels(version, "transaction.version", 2, 1))
		wantCode(t, "up", resp.ErrorCode, nil)
		if got := featuresOf(d, 4); !strings.Contains(got, "transaction.version=2") {
			t.Errorf("after going up: %s", got)
		}
	}
	ask[*kmsg.UpdateFeaturesResponse](d, levels(2, "group.version", 0, 2))
	if got := featuresOf(d, 4); strings.Contains(got, "group.version=") {
		t.Errorf("switched off: %s", got)
	}
}

func TestFeaturesThatMayNotBeAreRefused(t *testing.T) {
	for _, c := range []struct {
		what  string
		name  string
		level int16
		kind  int8
	}{
		{"an unknown feature", "colour.version", 1, 1},
		{"a level below zero", "group.version", -1, 2},
		{"a level too high", "group.version", 2, 1},
		{"a level too low", "metadata.version", 6, 2},
		{"an upgrade that goes down", "transaction.version", 1, 1},
		{"an unknown way", "transaction.version", 1, 9},
		{"an unsafe way down", "metadata.version", 20, 3},
		{"a way down that loses metadata", "metadata.version", 22, 2},
		{"the quorum's way down", "kraft.version", 0, 2},
	} {
		d := newDriver(t, 1, nil)
		before := featuresOf(d, 4)
		resp := ask[*kmsg.UpdateFeaturesResponse](d, levels(2, c.name, c.level, c.kind))
		wantCode(t, c.what, resp.ErrorCode, kerr.InvalidUpdateVersion)
		resp = ask[*kmsg.UpdateFeaturesResponse](d, levels(1, c.name, c.level, c.kind))
		wantCode(t, c.what, resp.ErrorCode, kerr.InvalidUpdateVersion)
		if got := featuresOf(d, 4); got != before {
			t.Errorf("%s: %s", c.what, got)
		}
	}
	d := newDriver(t, 1, nil)
	ask[*kmsg.UpdateFeaturesResponse](d, levels(2, "group.version", 0, 2))
	resp := ask[*kmsg.UpdateFeaturesResponse](d, levels(2, "group.version", 1, 2))
	wantCode(t, "a way down that goes up", resp.ErrorCode, kerr.InvalidUpdateVersion)
	d.only()
	resp = ask[*kmsg.UpdateFeaturesResponse](d, levels(2, "group.version", 1, 1))
	wantCode(t, "without right", resp.ErrorCode, kerr.ClusterAuthorizationFailed)
}

func TestMetadataGoDownWhereNothingIsLost(t *testing.T) {
	for _, c := range []struct {
		persona string
		level   int16
		kind    int8
	}{
		{"3.9", 17, 2}, {"4.0", 23, 2}, {"", 23, 3},
	} {
		d := newPersona(t, c.persona, 1, nil)
		resp := ask[*kmsg.UpdateFeaturesResponse](d, levels(1, "metadata.version", c.level, c.kind))
		wantCode(t, "the way down", resp.ErrorCode, nil)
		if got, want := featuresOf(d, 3), fmt.Sprintf("metadata.version=%d", c.level); !strings.Contains(got, want) {
			t.Errorf("Kafka %q has %s", c.persona, got)
		}
	}
}

func TestFeaturesChangeTogetherSinceKafka4(t *testing.T) {
	for persona, each := range map[string]bool{"3.9": true, "4.0": false, "": false} {
		d := newPersona(t, persona, 1, nil)
		req := levels(1, "metadata.version", 20, 2)
		req.FeatureUpdates = append(req.FeatureUpdates, levels(1, "colour.version", 1, 1).FeatureUpdates...)
		resp := ask[*kmsg.UpdateFeaturesResponse](d, req)
		if got := strings.Contains(featuresOf(d, 3), "metadata.version=20"); got != each {
			t.Errorf("Kafka %q changed the good one: %v", persona, got)
		}
		if !each {
			wantCode(t, "the whole", resp.ErrorCode, kerr.InvalidUpdateVersion)
			continue
		}
		wantCode(t, "the whole", resp.ErrorCode, nil)
		wantCode(t, "the bad one", resp.Results[1].ErrorCode, kerr.InvalidUpdateVersion)
	}
}

func TestValidationChangesNoFeatures(t *testing.T) {
	d := newDriver(t, 1, nil)
	req := levels(2, "transaction.version", 1, 2)
	req.ValidateOnly = true
	wantCode(t, "validation", ask[*kmsg.UpdateFeaturesResponse](d, req).ErrorCode, nil)
	if got := featuresOf(d, 4); !strings.Contains(got, "transaction.version=2") {
		t.Errorf("after it: %s", got)
	}
}
