// The JSON schema of the file that rehearse kafka reads, made from its fields.

package main

import (
	"encoding/json"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/rehearse-go/rehearse/kafkatest"
)

// A schema is as much of JSON Schema as the configuration needs.
type schema struct {
	Dialect     string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        string             `json:"type,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	Minimum     *int64             `json:"minimum,omitempty"`
	Maximum     *int64             `json:"maximum,omitempty"`
	AnyOf       []*schema          `json:"anyOf,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Additional  any                `json:"additionalProperties,omitempty"`
}

// printSchema writes the schema.
func printSchema(w io.Writer) error {
	s := schemaOf(reflect.TypeFor[kafkaConfig](), "")
	s.Dialect = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "A cluster for rehearse kafka"
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(s)
}

// schemaOf describes a type; path is where its keys are documented.
func schemaOf(t reflect.Type, path string) *schema {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if c, ok := reflect.Zero(t).Interface().(choice); ok {
		return &schema{Enum: c.allowed()}
	}
	switch t.Kind() {
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int:
		return &schema{Type: "integer"}
	case reflect.Uint64:
		return &schema{Type: "integer", Minimum: new(int64)}
	case reflect.Slice:
		items := schemaOf(t.Elem(), path)
		return &schema{AnyOf: []*schema{{Type: "array", Items: items}, items}}
	case reflect.Map:
		return &schema{Type: "object", Additional: schemaOf(t.Elem(), path)}
	case reflect.Struct:
		return structSchema(t, path)
	}
	if t != reflect.TypeFor[string]() {
		return &schema{Type: "string"}
	}
	// Text may be anything that YAML writes as one word: true and 4.0 need no quotes.
	return &schema{AnyOf: []*schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}}
}

func structSchema(t reflect.Type, path string) *schema {
	s := &schema{Type: "object", Properties: map[string]*schema{}, Additional: false}
	for f := range fieldsOf(t) {
		key := strings.TrimPrefix(path+"."+f.Tag.Get("yaml"), ".")
		p := schemaOf(f.Type, nested(f, key))
		p.Description = kafkaDocs[key]
		if n, err := strconv.ParseInt(f.Tag.Get("max"), 10, 64); err == nil {
			least, _ := strconv.ParseInt(f.Tag.Get("min"), 10, 64) // 0 without one
			p.Minimum, p.Maximum = &least, &n
		}
		s.Properties[f.Tag.Get("yaml")] = p
	}
	switch t {
	case reflect.TypeFor[kafkatest.Rule](): // without quotes, YAML takes it for a key with a value
		text := &schema{Type: "string"}
		return &schema{AnyOf: []*schema{text, {Type: "object", Additional: text}}}
	case reflect.TypeFor[kafkaTopic]():
		partitions := s.Properties["partitions"]
		return &schema{AnyOf: []*schema{s, partitions, {Type: "null"}}}
	case reflect.TypeFor[kafkaListener]():
		return &schema{AnyOf: []*schema{s, {Type: "string", Pattern: "^([A-Za-z0-9_.-]+://)?.*:[0-9]+$"}}}
	}
	return s
}

// nested returns where the keys within a field are documented: what is
// advertised is written as listeners are.
func nested(f reflect.StructField, key string) string {
	if f.Name == "Advertise" {
		return "listeners"
	}
	return key
}
