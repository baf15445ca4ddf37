// sarama's own functional suite; rules take the place of its proxies, the cluster that of its containers.

//go:build suites

package kafka_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/rule"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The suite has its addresses built in: five brokers at 29091 and on.
func TestSaramasOwnFunctionalSuite(t *testing.T) {
	if !inOwnNetwork() {
		again(t)
		return
	}
	raiseLoopback(t)
	c := start(t, kafkatest.Config{
		Brokers: 5, FirstID: 1, Racks: []string{"1", "2", "3", "4", "5"},
		Settings: map[string]string{
			"auto.create.topics.enable": "false", "default.replication.factor": "2",
			"offsets.topic.replication.factor": "2", "transaction.state.log.replication.factor": "2",
		},
		Listeners: []kafkatest.Listener{{Bind: "127.0.0.1:29091", Advertise: "localhost"}},
	})
	s := &stagehand{c: c, undo: map[string]func(){}}
	c.After(s.overhear)
	server := httptest.NewServer(s.doors())
	t.Cleanup(server.Close)
	runSuite(t, suite{
		pkg:  "github.com/IBM/sarama",
		tags: "functional",
		run:  "^TestFunc|^TestInterceptors$",
		skip: unluckyInSarama,
		env: []string{
			"TOXIPROXY_ADDR=" + server.URL, "KAFKA_VERSION=4.1.0",
			playedBy + "=" + server.URL, "PATH=" + asDocker(t) + ":" + os.Getenv("PATH"),
		},
	})
}

// unluckyInSarama is a test that fails where the broker that coordinates leads
// one of the partitions too: a member's own fetches, one after the other, keep
// its Metadata and Heartbeat off their connection for longer than its session.
const unluckyInSarama = "^TestFuncConsumerGroupCooperative$/^round_trips_messages"

// playedBy tells the program docker who plays Docker.
const playedBy = "REHEARSE_DOCKER"

// asDocker makes a directory in which this test's program is called docker.
func asDocker(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	dir := t.TempDir()
	must(t, os.Symlink(self, filepath.Join(dir, "docker")))
	return dir
}

// Called docker, the program passes on what is asked of it, such as
// "compose stop kafka-3", and does nothing else.
func init() {
	if filepath.Base(os.Args[0]) != "docker" {
		return
	}
	asked := strings.NewReader(strings.Join(os.Args[1:], " "))
	resp, err := http.Post(os.Getenv(playedBy)+"/docker", "text/plain", asked)
	if err != nil || resp.StatusCode != http.StatusOK {
		fmt.Fprintln(os.Stderr, "docker:", err)
		os.Exit(1)
	}
	defer os.Exit(0)
	if _, err := fmt.Fprint(os.Stdout, resp.Header.Get("Log")); err != nil {
		os.Exit(1)
	}
}

// A stagehand does to a cluster what Toxiproxy and Docker do to another.
type stagehand struct {
	c       *kafkatest.Cluster
	mu      sync.Mutex
	undo    map[string]func() // by proxy
	refused bool              // some batch, for being out of sequence
}

func (s *stagehand) doors() http.Handler {
	doors := http.NewServeMux()
	doors.HandleFunc("GET /proxies/{name}", s.tell)
	doors.HandleFunc("POST /proxies/{name}", s.enable)
	doors.HandleFunc("POST /proxies/{name}/toxics", s.poison)
	doors.HandleFunc("POST /reset", s.reset)
	doors.HandleFunc("POST /docker", s.docker)
	return doors
}

// proxy is a proxy as Toxiproxy tells of it.
type proxy struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
}

func (s *stagehand) tell(w http.ResponseWriter, r *http.Request) {
	_ = json.NewEncoder(w).Encode(proxy{r.PathValue("name"), true})
}

func (s *stagehand) enable(w http.ResponseWriter, r *http.Request) {
	var p proxy
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.restore(p.Name)
	if !p.Enabled {
		s.instead(p.Name, s.cut(p.Name, kafkatest.Close))
	}
	_ = json.NewEncoder(w).Encode(p)
}

func (s *stagehand) poison(w http.ResponseWriter, r *http.Request) {
	var toxic struct {
		Type       string
		Attributes struct{ Latency time.Duration } // in ms
	}
	if err := json.NewDecoder(r.Body).Decode(&toxic); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	name := r.PathValue("name")
	switch toxic.Type {
	case "reset_peer":
		s.instead(name, s.cut(name, kafkatest.Reset))
	case "latency":
		b := s.c.Broker(number(name))
		b.Latency(toxic.Attributes.Latency * time.Millisecond)
		s.instead(name, func() { b.Latency(0) })
	default:
		http.Error(w, "no such toxic", http.StatusBadRequest)
		return
	}
	_, _ = w.Write([]byte("{}"))
}

func (s *stagehand) reset(w http.ResponseWriter, _ *http.Request) {
	for _, b := range s.c.Brokers() {
		s.restore(fmt.Sprint("kafka", b.ID()))
	}
	w.WriteHeader(http.StatusNoContent)
}

// docker stops and starts brokers, and tells of their logs what the suite
// looks for in them.
func (s *stagehand) docker(w http.ResponseWriter, r *http.Request) {
	var compose, what, broker string
	_, _ = fmt.Fscan(r.Body, &compose, &what, &broker)
	switch what {
	case "stop":
		s.c.Broker(number(broker)).Stop()
	case "start":
		if err := s.c.Broker(number(broker)).Restart(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	case "logs":
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.refused {
			w.Header().Set("Log", "OutOfOrderSequenceException")
		}
	default:
		http.Error(w, "cannot "+what, http.StatusBadRequest)
	}
}

// overhear notes what a broker would log.
func (s *stagehand) overhear(x kafkatest.Exchange) (kafkatest.Verdict, bool) {
	resp, ok := x.Reply.(*kmsg.ProduceResponse)
	if !ok {
		return kafkatest.Verdict{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			s.refused = s.refused || p.ErrorCode == kerr.OutOfOrderSequenceNumber.Code
		}
	}
	return kafkatest.Verdict{}, false
}

func (s *stagehand) cut(name string, c kafkatest.Cut) (remove func()) {
	return s.c.Before(rule.Then(kafkatest.FromBroker(number(name)), kafkatest.Verdict{Cut: c}))
}

func (s *stagehand) instead(name string, undo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.undo[name] = undo
}

func (s *stagehand) restore(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if undo := s.undo[name]; undo != nil {
		undo()
		delete(s.undo, name)
	}
}

// number is the broker's in kafka3 or kafka-3.
func number(name string) int32 {
	n, _ := strconv.Atoi(strings.TrimLeft(name, "afk-"))
	return int32(n)
}
