// Reading a configuration from YAML: places in errors, no key unknown.

package main

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/rehearse-go/rehearse/kafkatest"
	"go.yaml.in/yaml/v4"
)

// A placedError is an error at a place in a file.
type placedError struct {
	file         string
	line, column int
	text         string
}

func (e *placedError) Error() string {
	if e.column == 0 {
		return fmt.Sprintf("%s:%d: %s", e.file, e.line, e.text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.file, e.line, e.column, e.text)
}

// readKafkaConfig reads the configuration in a file.
func readKafkaConfig(name string) (kafkaConfig, error) {
	var c kafkaConfig
	text, err := os.ReadFile(name)
	if err != nil {
		return c, plainError(err)
	}
	return c, decodeYAML(name, text, &c)
}

// decodeYAML decodes text into what into points to, by its yaml tags. It is
// strict: what it does not know is an error. It goes on after an error, so that
// all are told at once.
func decodeYAML(file string, text []byte, into any) error {
	documents := yaml.NewDecoder(bytes.NewReader(text))
	var document, further yaml.Node
	switch err := documents.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil // an empty file says nothing
	case err != nil:
		return syntaxError(file, err)
	}
	root := document.Content[0]
	d := yamlDecoder{file: file}
	switch err := documents.Decode(&further); {
	case err == nil:
		d.fail(&further, "a second document; a file has one")
		return errors.Join(d.errs...)
	case !errors.Is(err, io.EOF):
		return syntaxError(file, err)
	case root.Tag == "!!null":
		return nil // nor does one with nothing but a beginning
	}
	d.decode(root, reflect.ValueOf(into).Elem())
	return errors.Join(d.errs...)
}

var yamlPlace = regexp.MustCompile(`line (\d+)(?:, column (\d+))?`)

// syntaxError puts the place before what the parser says.
func syntaxError(file string, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &placedError{file: file, line: 1, text: text}
	if m := yamlPlace.FindStringSubmatchIndex(text); m != nil {
		e.line, _ = strconv.Atoi(text[m[2]:m[3]])
		if m[4] >= 0 {
			e.column, _ = strconv.Atoi(text[m[4]:m[5]])
		}
		e.text = "not YAML: " + strings.TrimLeft(text[m[1]:], ": ")
	}
	return e
}

// maxErrors is how many errors are told of one file.
const maxErrors = 10

type yamlDecoder struct {
	file string
	errs []error
}

func (d *yamlDecoder) fail(n *yaml.Node, format string, args ...any) {
	if len(d.errs) < maxErrors {
		d.errs = append(d.errs, &placedError{d.file, n.Line, n.Column, fmt.Sprintf(format, args...)})
	}
}

// decode decodes a node into v. Types that read text read scalars.
func (d *yamlDecoder) decode(n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	_, readsText := v.Addr().Interface().(encoding.TextUnmarshaler)
	if t := v.Type(); t == reflect.TypeFor[kafkatest.Rule]() || t == reflect.TypeFor[callRule]() {
		n = ruleNode(n)
	}
	switch kind := v.Kind(); {
	case n.Kind == yaml.ScalarNode && (readsText || isScalar(v.Type())):
		d.scalar(n, v)
	case kind == reflect.Struct && n.Kind == yaml.MappingNode:
		d.fields(n, v)
	case kind == reflect.Map && n.Kind == yaml.MappingNode:
		d.entries(n, v)
	case kind == reflect.Slice && n.Kind == yaml.SequenceNode:
		d.elements(n, v)
	case kind == reflect.Slice && n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		d.elements(&yaml.Node{Content: []*yaml.Node{n}}, v) // one is a list of one
	case kind != reflect.Struct && n.Tag == "!!null" && !isScalar(v.Type()):
		return // a key without a value: nothing is given
	default:
		d.fail(n, "want %s", wanted(v.Type()))
	}
}

func (d *yamlDecoder) scalar(n *yaml.Node, v reflect.Value) {
	if n.Tag == "!!null" {
		d.fail(n, "want %s", wanted(v.Type()))
		return
	}
	err := setText(v, n.Value)
	var bad *kafkatest.RuleError
	switch {
	case errors.As(err, &bad):
		at := *n
		at.Column += bad.Column - 1
		if n.Style != 0 {
			at.Column++ // the quote
		}
		d.fail(&at, "%s", bad.Msg)
	case err != nil:
		d.fail(n, "%v", err)
	}
}

// ruleNode undoes what YAML makes of a rule without quotes: a key, a colon, a
// value.
func ruleNode(n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return n
	}
	key, value := n.Content[0], n.Content[1]
	if key.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode || key.Style != 0 {
		return n
	}
	space := strings.Repeat(" ", max(1, value.Column-key.Column-len(key.Value)-1))
	whole := *key
	whole.Value += ":" + space + value.Value
	return &whole
}

func (d *yamlDecoder) fields(n *yaml.Node, v reflect.Value) {
	known := keysOf(v.Type())
	d.pairs(n, func(key, value *yaml.Node) {
		f, ok := fieldOf(v.Type(), key.Value)
		if !ok {
			d.fail(key, "unknown key %q%s; known are %s", key.Value, meant(key.Value, known), strings.Join(known, ", "))
			return
		}
		before := len(d.errs)
		d.decode(value, v.FieldByIndex(f.Index))
		if err := inRange(f, v.FieldByIndex(f.Index)); err != nil && len(d.errs) == before {
			d.fail(value, "%s: %v", key.Value, err)
		}
	})
}

func (d *yamlDecoder) entries(n *yaml.Node, v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	d.pairs(n, func(key, value *yaml.Node) {
		element := reflect.New(v.Type().Elem()).Elem()
		if reader, ok := element.Addr().Interface().(encoding.TextUnmarshaler); ok && element.Kind() == reflect.Struct {
			_ = reader.UnmarshalText(nil) // the defaults
		}
		if value.Tag != "!!null" {
			d.decode(value, element)
		} else if element.Kind() != reflect.Struct {
			d.fail(value, "%s: want %s", key.Value, wanted(element.Type()))
		}
		v.SetMapIndex(reflect.ValueOf(key.Value), element)
	})
}

func (d *yamlDecoder) elements(n *yaml.Node, v reflect.Value) {
	for _, item := range n.Content {
		element := reflect.New(v.Type().Elem()).Elem()
		d.decode(item, element)
		v.Set(reflect.Append(v, element))
	}
}

// pairs walks a mapping; a key may stand there once.
func (d *yamlDecoder) pairs(n *yaml.Node, f func(key, value *yaml.Node)) {
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch line, twice := lines[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			d.fail(key, "a key is a plain word")
		case twice:
			d.fail(key, "%s is given twice, first in line %d", key.Value, line)
		default:
			lines[key.Value] = key.Line
			f(key, n.Content[i+1])
		}
	}
}

// meant guesses which key was meant.
func meant(key string, known []string) string {
	flat := func(s string) string {
		return strings.TrimSuffix(strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "").Replace(s)), "s")
	}
	for _, k := range known {
		if flat(k) == flat(key) {
			return fmt.Sprintf(", did you mean %q?", k)
		}
	}
	return ""
}
