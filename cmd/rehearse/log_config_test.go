// Tests of what rehearse log is told: who wins, what is read, what nothing panics at.

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestANodesFlagsWinOverTheEnvironmentAndThatOverTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "node.yaml")
	text := "node-name: file\nrpc-port: 1\nsegment-bytes: 1MiB\nstart-join-addrs: [a:1, b:1]\nbootstrap: true\n" +
		"retain-age: 1h\nheartbeat: 20ms\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REHEARSE_LOG_CONFIG_FILE", file)
	t.Setenv("REHEARSE_LOG_NODE_NAME", "environment")
	t.Setenv("REHEARSE_LOG_RPC_PORT", "0")
	t.Setenv("REHEARSE_LOG_START_JOIN_ADDRS", "c:1, d:1")
	t.Setenv("REHEARSE_LOG_BOOTSTRAP", "false")
	t.Setenv("REHEARSE_LOG_RETAIN_AGE", "")
	c, err := layeredNode("", &nodeConfig{NodeName: "flag"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.agent()
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case a.Name != "flag", a.RPC != "127.0.0.1:0", a.Segment != 1<<20, a.Bootstrap:
		t.Errorf("%+v", a)
	case !slices.Equal(a.Join, []string{"c:1", "d:1"}), a.Retain.Age != time.Hour, a.Heartbeat != 20*time.Millisecond:
		t.Errorf("%+v", a)
	}
}

func TestWhereANodeListensAndIsReached(t *testing.T) {
	for _, c := range []struct {
		config         nodeConfig
		rpc, advertise string
	}{
		{nodeConfig{}, "127.0.0.1:8400", ""},
		{nodeConfig{Bind: "10.0.0.1:8401", RPCPort: "1"}, "10.0.0.1:1", ""},
		{nodeConfig{Bind: "[::1]:0", RPCPort: "0"}, "[::1]:0", ""},
		{nodeConfig{RPC: ":9"}, ":9", ""},
		{nodeConfig{RPC: ":9", RPCPort: "8"}, ":9", ""},
		{nodeConfig{Bind: "0.0.0.0:8401", Advertise: "n0"}, "0.0.0.0:8400", "n0"},
		{nodeConfig{Bind: "0.0.0.0:8401", Advertise: "n0:8401"}, "0.0.0.0:8400", "n0"},
		{nodeConfig{Bind: "0.0.0.0:8401", Advertise: "n0:8400"}, "0.0.0.0:8400", "n0"},
		{nodeConfig{Bind: "[::]:8401", Advertise: "[fd00::1]:8401"}, "[::]:8400", "fd00::1"},
		{nodeConfig{Bind: "[::]:8401", Advertise: "fd00::1"}, "[::]:8400", "fd00::1"},
	} {
		a, err := c.config.agent()
		if err != nil || a.RPC != c.rpc || a.Advertise != c.advertise {
			t.Errorf("%+v: RPC %q, want %q, Advertise %q, want %q, %v",
				c.config, a.RPC, c.rpc, a.Advertise, c.advertise, err)
		}
	}
	for _, host := range []string{"n0:x", "a b", "[", ":8401", "a/b", "a:b:c", "n0:99999"} {
		if a, err := (nodeConfig{Advertise: host}).agent(); err == nil {
			t.Errorf("%q is taken, and others are told %q", host, a.Advertise)
		}
	}
}

func TestVariablesThatAreNoFlagsAreTold(t *testing.T) {
	got := strangeVariables([]string{
		"PATH=/", "REHEARSE_LOG_DATA_DIR=d", "REHEARSE_LOG_DATADIR=d", "REHEARSE_LOG_PORT=tcp://a",
		"REHEARSE_LOG_ADDRS=a:1",
	})
	want := []string{`REHEARSE_LOG_DATADIR, did you mean "REHEARSE_LOG_DATA_DIR"?`, "REHEARSE_LOG_PORT"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAGossipKeyIsReadAsItIsWritten(t *testing.T) {
	for _, n := range []int{16, 24, 32} {
		key := bytes.Repeat([]byte{0xfb}, n)
		for _, text := range []string{
			hex.EncodeToString(key), strings.ToUpper(hex.EncodeToString(key)),
			base64.StdEncoding.EncodeToString(key), base64.URLEncoding.EncodeToString(key),
		} {
			if got, err := parseGossipKey(text); err != nil || !bytes.Equal(got, key) {
				t.Errorf("%s reads as %x, %v", text, got, err)
			}
		}
	}
	for _, text := range []string{"", "AAAA", "zz", strings.Repeat("A", 1000)} {
		if got, err := parseGossipKey(text); err == nil {
			t.Errorf("%q reads as %x", text, got)
		}
	}
	name := filepath.Join(t.TempDir(), "gossip.key")
	made, err := makeGossipKey(name)
	info, _ := os.Stat(name)
	if err != nil || !made || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("made: %v, %v, %v", made, err, info)
	}
	key, err := readGossipKey(name)
	if again, _ := makeGossipKey(name); err != nil || again || len(key) != 32 {
		t.Errorf("%x, %v; made again: %v", key, err, again)
	}
}

func FuzzNodeFiles(f *testing.F) {
	f.Add("node-name: n0\nrpc-port: 0\nstart-join-addrs: [a:1, b:2]\nbootstrap: true\nretain-bytes: 1GiB\n")
	f.Add("bind-addr: [::]:8401\nadvertise-addr: '[fe80::1%eth0]:8401'\n")
	f.Add("leave: &x [*x]\nelection-ticks: 1e3\nheartbeat: 9999999h\n")
	f.Fuzz(func(t *testing.T, text string) {
		var c nodeConfig
		err := decodeYAML("f.yaml", []byte(text), &c)
		var placed *placedError
		if err != nil && !errors.As(err, &placed) {
			t.Errorf("%q: an error without a place: %v", text, err)
		}
		if err != nil || c.GossipKey+c.ServerCert+c.PeerCert+c.ACLModel+c.ACLPolicy != "" {
			return
		}
		if a, err := c.agent(); err == nil && (a.Segment < 0 || a.Heartbeat < 0 || a.Retain.Age < 0) {
			t.Errorf("%q: %+v", text, a)
		}
	})
}

func FuzzGossipKeys(f *testing.F) {
	f.Add("00112233445566778899aabbccddeeff")
	f.Add("AAAAAAAAAAAAAAAAAAAAAA==")
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := parseGossipKey(text); err == nil && !isKeyLength(len(key)) {
			t.Errorf("%q is a key of %d bytes", text, len(key))
		}
	})
}

func TestTimesToBeginAt(t *testing.T) {
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "10m": now.Add(-10 * time.Minute), "-10m": now.Add(-10 * time.Minute),
		"2026-11-25T09:00:00Z": now.Add(-time.Hour), "2026-11-25T10:00:00.5+01:00": now.Add(-time.Hour + time.Second/2),
	} {
		if got, err := pointInTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"x", "2026-11-25", "9999-01-01T00:00:00Z", "0001-01-01T00:00:00Z"} {
		if got, err := pointInTime(text, now); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestLatenciesAreToldToThreePercent(t *testing.T) {
	for n := uint64(1); n < 1<<62; n += n/16 + 1 {
		if got := value32(place32(n)); got < n || float64(got) > float64(n)*1.04 {
			t.Errorf("%d is told as %d", n, got)
		}
	}
	var l, more latencies
	for i := range 1000 {
		l.add(time.Duration(i+1) * time.Millisecond)
	}
	more.add(time.Hour)
	l.join(&more)
	for share, want := range map[float64]time.Duration{
		0.5: 501 * time.Millisecond, 0.99: 991 * time.Millisecond, 1: time.Hour,
	} {
		if got := l.at(share); got < want || got > want*104/100 {
			t.Errorf("%v: %v, want %v or a little more", share, got, want)
		}
	}
	if got := new(latencies).at(0.5); got != 0 {
		t.Errorf("nothing takes %v", got)
	}
}
