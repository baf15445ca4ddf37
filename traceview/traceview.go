// Putting the page together.

package traceview

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io"
	"iter"
	"strings"

	"github.com/rehearse-go/rehearse/journal"
)

//go:embed page
var files embed.FS

// scripts are the parts of the page's script, in the order they need.
var scripts = []string{
	"inflate", "model", "looks", "filter", "layout", "draw", "minimap", "panel", "list", "input", "main",
}

// Write writes a page that shows the events. It holds all of them in memory
// meanwhile. Payloads over 64 KiB are cut, and the page says so.
func Write(w io.Writer, h journal.Header, events iter.Seq[journal.Event]) error {
	data, err := pack(collect(h, events))
	if err != nil {
		return err
	}
	before, after, _ := strings.Cut(template(), "{{data}}")
	for _, part := range []string{before, data, after} {
		if _, err := io.WriteString(w, part); err != nil {
			return err
		}
	}
	return nil
}

// template returns the page with everything in it but the data.
func template() string {
	style, script := file("page.css"), script()
	policy := "default-src 'none'; script-src '" + hash(script) + "'; style-src '" + hash(style) +
		"'; img-src data:; base-uri 'none'; form-action 'none'"
	fill := strings.NewReplacer("{{policy}}", policy, "{{style}}", style, "{{script}}", script)
	return fill.Replace(file("page.html"))
}

// script returns the parts as one, as strict as each of them is.
func script() string {
	var b strings.Builder
	for _, name := range scripts {
		b.WriteString(file(name + ".js"))
	}
	return b.String()
}

// file returns an embedded file. Those named here are always there.
func file(name string) string {
	b, err := files.ReadFile("page/" + name)
	if err != nil {
		panic("traceview: " + err.Error())
	}
	return string(b)
}

// hash returns what a content policy calls a text by.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
