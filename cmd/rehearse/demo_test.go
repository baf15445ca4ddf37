// The demo tells its story to the end and leaves its page.

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDemoTellsItsStoryAndLeavesAPage(t *testing.T) {
	page := filepath.Join(t.TempDir(), "demo.html")
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"demo", "--seed", "7", "-o", page}, streams{strings.NewReader(""), &out, &errs})
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	story := []string{"seed 7", "--- part api", "no answer within", "--- healed", "order 12 accepted", page}
	for _, want := range story {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not say %q:\n%s", want, &out)
		}
	}
	html, err := os.ReadFile(page)
	if err != nil || !bytes.Contains(html, []byte("Content-Security-Policy")) {
		t.Errorf("the page: %d bytes, %v", len(html), err)
	}
}
