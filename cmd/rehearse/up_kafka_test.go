// Tests of Kafka in rehearse up: it runs, and its journal is a page.

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/journal"
)

func TestUpRunsAKafkaWhoseJournalIsAPage(t *testing.T) {
	dir := t.TempDir()
	r := start(t, "kafka at", "up", "--dir", dir)
	defer r.end()
	address := regexp.MustCompile(`bootstrap\.servers=(\S+),`).FindStringSubmatch(r.lines[2])[1]
	if report, code := doctor(t, address); code != exitDone {
		t.Errorf("exit code %d, %+v", code, report)
	}
	w := get(siteOf(t, dir), http.MethodGet, "http://localhost/trace/"+upJournal)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `id="data"`) {
		t.Errorf("the journal's page: %d %.200s", w.Code, w.Body)
	}
}

func TestUpRunsNoKafkaIfToldSo(t *testing.T) {
	dir := t.TempDir()
	r := start(t, "journals of", "up", "--dir", dir, "--no-kafka")
	r.end()
	if files, err := os.ReadDir(dir); len(files) > 0 || err != nil {
		t.Errorf("%v, %v", files, err)
	}
}

func TestTheJournalOfUpStaysSmall(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	files := &boundedFiles{root: root, limit: 1000}
	j := newKafkaJournal(kafkaConfig{})
	j.Stream(files)
	for range 100 {
		j.Append(journal.Event{Kind: "kafka.request", Where: "broker 0", Body: make([]byte, 100)})
	}
	if err := j.Err(); err != nil {
		t.Fatal(err)
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadDir(dir)
	if err != nil || len(all) != 2 {
		t.Errorf("%v, %v, want two files", all, err)
	}
	last := 0
	for _, name := range []string{upJournalBefore, upJournal} {
		h, events, err := journal.Read(open(t, filepath.Join(dir, name)))
		if err != nil || len(events) == 0 || h.Seed != 1 {
			t.Fatalf("%s: %+v, %d events, %v", name, h, len(events), err)
		}
		if last != 0 && events[0].Seq != last+1 {
			t.Errorf("%s goes on with event %d after %d", name, events[0].Seq, last)
		}
		last = events[len(events)-1].Seq
	}
	if last != 100 {
		t.Errorf("the last event is %d", last)
	}
}
