// Tests of rehearse up: recordings among the journals.

package main

import (
	"path/filepath"
	"strings"
	"testing"
)

const smallCall = "rehearse grpc recording 1\n\ncall 1  pay.v1.Pay/Get  unary\n  → {}\n  ← OK\n"

func TestTheSiteShowsRecordings(t *testing.T) {
	dir := files(t, map[string]string{
		"pay.journal": smallCall, "pay.journal.123.part": "nothing of ours", "image.bin": "\x00\x01\x02",
		"broken.journal": "rehearse grpc recording 1\nnonsense\n",
	})
	code, _, said := command(t, "trace", "convert", filepath.Join(dir, "pay.journal"), filepath.Join(dir, "pay.bin"))
	if code != exitDone {
		t.Fatal(said)
	}
	h := siteOf(t, dir)
	const here = "http://127.0.0.1:80"
	index := get(h, "GET", here+"/").Body.String()
	for _, want := range []string{
		`<a href="/trace/pay.journal">pay.journal</a><small>a recording of gRPC</small>`, `<a href="/trace/pay.bin">`,
	} {
		if !strings.Contains(index, want) {
			t.Errorf("the index has no %s: %s", want, index)
		}
	}
	for _, unwanted := range []string{"image.bin", ".part"} {
		if strings.Contains(index, unwanted) {
			t.Errorf("the index lists %s: %s", unwanted, index)
		}
	}
	for _, c := range []struct {
		name string
		code int
		body string
	}{
		{"pay.journal", 200, `id="data"`}, {"pay.bin", 200, `id="data"`},
		{"broken.journal", 422, "broken.journal: line 2:"}, {"image.bin", 422, "image.bin:1: "},
	} {
		w := get(h, "GET", here+"/trace/"+c.name)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s: %d %.300q, want %d ...%s...", c.name, w.Code, w.Body, c.code, c.body)
		}
	}
}
