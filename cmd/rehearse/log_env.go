// The environment of rehearse log: each flag has a variable.

package main

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
)

// logVariables is what the variables' names begin with.
const logVariables = "REHEARSE_LOG_"

// logVariable is the variable of a flag.
func logVariable(flag string) string {
	return logVariables + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// readVariables sets the fields of what into points to, as the environment
// says. A variable that is empty says nothing.
func readVariables(into any) error {
	v := reflect.ValueOf(into).Elem()
	for f := range fieldsOf(v.Type()) {
		name, _ := flagOf(f)
		variable := logVariable(name)
		text := strings.TrimSpace(os.Getenv(variable))
		if text == "" {
			continue
		}
		field := &fieldFlag{f, v.FieldByIndex(f.Index), f.Tag.Get("key")}
		if err := field.Set(text); err != nil {
			return fmt.Errorf("%s: %w", variable, err)
		}
	}
	return nil
}

// strangeVariables are those that look like one of a node's and are none, each
// with the one that was meant, if that can be guessed.
func strangeVariables(environment []string) (strange []string) {
	var known []string
	for _, t := range []reflect.Type{reflect.TypeFor[nodeConfig](), reflect.TypeFor[clientConfig]()} {
		for f := range fieldsOf(t) {
			name, _ := flagOf(f)
			known = append(known, logVariable(name))
		}
	}
	known = append(known, logVariable("config-file"))
	for _, entry := range environment {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, logVariables) && !slices.Contains(known, name) {
			strange = append(strange, name+meant(name, known))
		}
	}
	return strange
}

// layeredNode lays the flags above the environment and that above the file.
func layeredNode(file string, flags *nodeConfig) (config nodeConfig, err error) {
	if file == "" {
		file = os.Getenv(logVariable("config-file"))
	}
	if file != "" {
		if config, err = readNodeConfig(file); err != nil {
			return config, err
		}
	}
	var environment nodeConfig
	if err := readVariables(&environment); err != nil {
		return config, err
	}
	overlay(reflect.ValueOf(&config).Elem(), reflect.ValueOf(&environment).Elem())
	overlay(reflect.ValueOf(&config).Elem(), reflect.ValueOf(flags).Elem())
	return config, nil
}

func readNodeConfig(name string) (c nodeConfig, err error) {
	text, err := readBounded(name)
	if err != nil {
		return c, fmt.Errorf("--config-file %w", err)
	}
	return c, decodeYAML(name, text, &c)
}
