// A test on a virtual network, as the documentation shows it.

package vnettest_test

import (
	"net/http"
	"sync"
	"sync/atomic"
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

// In a test file this is TestStockIsSoldOnce.
func ExampleExplore() {
	_ = func(t *testing.T) {
		vnettest.Explore(t, vnettest.ExploreConfig{}, func(t *vnettest.T) {
			stock := new(lastCopy)
			l, _ := t.Host("shop").Listen(t.Context(), "tcp", ":80")
			go http.Serve(l, stock)

			buy := func(host string) func() {
				client := http.Client{Transport: &http.Transport{DialContext: t.Host(host).Dial}}
				return func() {
					if r, err := client.Post("http://shop/"+host, "", nil); err == nil {
						r.Body.Close()
					}
				}
			}
			t.Together(time.Minute, buy("ann"), buy("bob"), buy("cyd"))
			if stock.sold != "ann" && stock.sold != "bob" && stock.sold != "cyd" {
				t.Errorf("the last copy was sold to %q", stock.sold)
			}
		})
	}
}

// A lastCopy is sold to whoever asks first.
type lastCopy struct {
	mu   sync.Mutex
	sold string
}

func (s *lastCopy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sold != "" {
		http.Error(w, "sold out", http.StatusGone)
		return
	}
	s.sold = r.URL.Path[1:]
}

func TestTheExampleOfExploreHolds(t *testing.T) {
	buyers := map[string]int{}
	vnettest.Explore(t, vnettest.ExploreConfig{Schedules: 200}, func(t *vnettest.T) {
		stock := new(lastCopy)
		l, err := t.Host("shop").Listen(t.Context(), "tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		go http.Serve(l, stock)
		var served atomic.Int64
		buy := func(host string) func() {
			client := http.Client{Transport: &http.Transport{DialContext: t.Host(host).Dial}}
			return func() {
				r, err := client.Post("http://shop/"+host, "", nil)
				if err != nil {
					t.Error(err)
					return
				}
				r.Body.Close()
				if r.StatusCode == http.StatusOK {
					served.Add(1)
				}
			}
		}
		t.Together(time.Minute, buy("ann"), buy("bob"), buy("cyd"))
		if served.Load() != 1 {
			t.Errorf("%d have bought the last copy", served.Load())
		}
		buyers[stock.sold]++
	})
	if len(buyers) != 3 || buyers["ann"]+buyers["bob"]+buyers["cyd"] != 200 {
		t.Errorf("the last copy went to %v; each of three should be first in some of 200 schedules", buyers)
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
