// Listeners from the environment, as images of Kafka take them.

package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// kafkaEnvironment reads what the environment says. The listeners of KRaft's
// controllers are passed over: the stand-in has no port for them.
func kafkaEnvironment(get func(name string) string) (kafkaConfig, error) {
	var c kafkaConfig
	for _, v := range []struct {
		name string
		into reflect.Value
		key  string
	}{
		{envListeners, reflect.ValueOf(&c.Listeners).Elem(), ""},
		{envAdvertised, reflect.ValueOf(&c.Advertise).Elem(), ""},
		{envProtocols, reflect.ValueOf(&c.Protocols).Elem(), ":"},
	} {
		for word := range strings.SplitSeq(get(v.name), ",") {
			if word = strings.TrimSpace(word); word == "" {
				continue
			}
			if err := addText(v.into, word, v.key); err != nil {
				return c, fmt.Errorf("%s: %w", v.name, err)
			}
		}
	}
	controllers := strings.Split(get("KAFKA_CONTROLLER_LISTENER_NAMES"), ",")
	ofController := func(l kafkaListener) bool { return l.Name != "" && slices.Contains(controllers, l.Name) }
	c.Listeners = slices.DeleteFunc(c.Listeners, ofController)
	c.Advertise = slices.DeleteFunc(c.Advertise, ofController)
	return c, nil
}
