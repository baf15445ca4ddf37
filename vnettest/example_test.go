// A test on a virtual network, as the documentation shows it.

package vnettest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// In a test file this is TestClientRetries.
func ExampleRun() {
	_ = func(t *testing.T) {
		vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
			l, _ := t.Host("api").Listen(t.Context(), "tcp", ":80")
			go http.Serve(l, http.NotFoundHandler())

			client := http.Client{
				Transport: &http.Transport{DialContext: t.Host("app").Dial},
				Timeout:   time.Minute, // of the bubble's time: none of yours
			}
			heal := t.Part("api")
			if _, err := client.Get("http://api/"); err == nil {
				t.Error("an answer came across the partition")
			}
			heal()
			t.Link("app", "api").Set(vnet.LinkConfig{Latency: 20 * time.Millisecond, Loss: 0.1})
			r, err := client.Get("http://api/")
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
		})
	}
}

func TestTheExampleOfRunHolds(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		l, err := t.Host("api").Listen(t.Context(), "tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		go http.Serve(l, http.NotFoundHandler())
		client := http.Client{Transport: &http.Transport{DialContext: t.Host("app").Dial}, Timeout: time.Minute}
		heal := t.Part("api")
		start := time.Now()
		if _, err := client.Get("http://api/"); err == nil || time.Since(start) != time.Minute {
			t.Errorf("across the partition: %v after %v, want a timeout after a minute", err, time.Since(start))
		}
		heal()
		t.Link("app", "api").Set(vnet.LinkConfig{Latency: 20 * time.Millisecond, Loss: 0.1})
		r, err := client.Get("http://api/")
		if err != nil || r.StatusCode != http.StatusNotFound {
			t.Fatalf("after healing: %v, %v", r, err)
		}
		r.Body.Close()
	})
}
