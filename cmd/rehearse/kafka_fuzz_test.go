// Tests of reading a configuration: nothing it is fed makes it panic, and what it takes the schema takes.

package main

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func FuzzKafkaFiles(f *testing.F) {
	f.Add("brokers: 3\ntopics: {orders: 3, clicks: {partitions: 2, configs: {a: b}}, plain: }\n")
	f.Add("listeners: [A://:1, {name: b, host: c, port: 2}]\nusers: {a: 1}\ntls: {cert: a}\n")
	f.Add("a: &x [*x]\nracks: [a, *x]\n<<: {brokers: 1}\n? [a]\n: b\n")
	f.Add("topics: &t {a: {configs: *t}}\n")
	f.Add("json: yes\nseed: 0x10\nseed: -1\nlog: Off\n--- \nbrokers: 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		var c kafkaConfig
		err := decodeYAML("f.yaml", []byte(text), &c)
		var placed *placedError
		if err != nil && !errors.As(err, &placed) {
			t.Errorf("%q: an error without a place: %v", text, err)
		}
		if err == nil && (c.Brokers < 0 || c.Brokers > 1000) {
			t.Errorf("%q: %d brokers", text, c.Brokers)
		}
	})
}

func FuzzListeners(f *testing.F) {
	for _, s := range []string{
		"127.0.0.1:9092", "PLAINTEXT://:9092", "A_b-1://[::1]:0", "://a:1", "a://b://c:1", "kafka-{id}:9092",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var l, again kafkaListener
		if l.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(l.String())); err != nil || again != l {
			t.Errorf("%q reads as %+v, prints as %q, and that reads as %+v, %v", text, l, l, again, err)
		}
	})
}

func TestListenersAreReadAsKafkaWritesThem(t *testing.T) {
	for _, c := range []struct {
		text string
		want kafkaListener
	}{
		{"127.0.0.1:9092", kafkaListener{"", "127.0.0.1", 9092}},
		{"PLAINTEXT://:9092", kafkaListener{"PLAINTEXT", "", 9092}},
		{"internal://[::1]:0", kafkaListener{"INTERNAL", "::1", 0}},
		{"EXT_1://kafka-{id}:9092", kafkaListener{"EXT_1", "kafka-{id}", 9092}},
	} {
		var l kafkaListener
		if err := l.UnmarshalText([]byte(c.text)); err != nil || l != c.want {
			t.Errorf("%s: %+v, %v", c.text, l, err)
		}
	}
	for _, text := range []string{"", "9092", "a:b", "a:65536", "a:-1", "://a:1", "A B://a:1", "A://a", "A://a/b:1"} {
		if err := new(kafkaListener).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for a listener", text)
		}
	}
}

func TestEveryKeyHasItsWords(t *testing.T) {
	known := map[string]bool{}
	collectKeys(known, reflect.TypeFor[kafkaConfig](), "")
	for key := range known {
		if words := kafkaDocs[key]; words == "" || strings.HasSuffix(words, ".") {
			t.Errorf("%s: kafkaDocs says %q", key, words)
		}
	}
	for key := range kafkaDocs {
		if !known[key] {
			t.Errorf("kafkaDocs tells of %s, which is no key", key)
		}
	}
}

// collectKeys collects the keys of a type and of what lies within it.
func collectKeys(into map[string]bool, t reflect.Type, prefix string) {
	for f := range fieldsOf(t) {
		key := prefix + f.Tag.Get("yaml")
		into[key] = true
		inner := f.Type
		for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Map {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && f.Name != "Advertise" {
			collectKeys(into, inner, key+".")
		}
	}
}

func TestTheSchemaHasTheKeysOfTheFileAndNoOthers(t *testing.T) {
	var out strings.Builder
	if err := printSchema(&out); err != nil {
		t.Fatal(err)
	}
	var s struct {
		Properties map[string]struct{ Description string }
		Additional *bool `json:"additionalProperties"`
	}
	if err := json.Unmarshal([]byte(out.String()), &s); err != nil {
		t.Fatal(err)
	}
	keys := keysOf(reflect.TypeFor[kafkaConfig]())
	for _, key := range keys {
		if s.Properties[key].Description != kafkaDocs[key] {
			t.Errorf("%s: the schema says %q", key, s.Properties[key].Description)
		}
	}
	if len(s.Properties) != len(keys) || s.Additional == nil || *s.Additional {
		t.Errorf("the schema has %d keys of %d, and others: %v", len(s.Properties), len(keys), s.Additional)
	}
}
