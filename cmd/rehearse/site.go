// The pages that rehearse up serves: health, the index, and a page a journal.

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"embed"
	"errors"
	"html/template"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/journal"
)

// maxListed is how many journals the index lists, the newest ones.
const maxListed = 500

//go:embed index.html
var indexFile embed.FS

var indexPage = template.Must(template.ParseFS(indexFile, "index.html"))

// A site serves the journals of one directory.
type site struct {
	root *os.Root
}

func newSite(root *os.Root) http.Handler {
	s := site{root}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /trace/{name...}", s.trace)
	return guarded(mux)
}

// guarded answers only requests that name this machine: a page elsewhere whose
// name was bent to a loopback address must not read journals.
func guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this server answers to loopback names only", http.StatusForbidden)
			return
		}
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		header.Set("Referrer-Policy", "no-referrer")
		h.ServeHTTP(w, r)
	})
}

func (s site) health(w http.ResponseWriter, _ *http.Request) {
	if _, err := s.root.Stat("."); err != nil {
		http.Error(w, "the directory of the journals is gone", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// A listing is a journal as the index shows it.
type listing struct {
	Name  string // from the directory, with slashes
	When  time.Time
	Bytes int64
	Test  string
	Seed  uint64
	Bad   string // why it cannot be shown, if so

	Recording bool // of gRPC
}

// Link returns the address of the journal's page.
func (l listing) Link() string {
	return (&url.URL{Path: "/trace/" + l.Name}).String()
}

func (s site) index(w http.ResponseWriter, _ *http.Request) {
	all, err := s.journals()
	if err != nil {
		http.Error(w, plainError(err).Error(), http.StatusInternalServerError)
		return
	}
	more := max(0, len(all)-maxListed)
	all = all[:len(all)-more]
	for i := range all {
		s.describe(&all[i])
	}
	var page bytes.Buffer
	err = indexPage.Execute(&page, struct {
		Dir      string
		Journals []listing
		More     int
	}{s.root.Name(), all, more})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:")
	writeHTML(w, page.Bytes())
}

// traceNames are how the names of files end that are listed: journals, and
// the other forms of recordings, which are listed if that is what they are.
var traceNames = []string{".journal", ".bin", ".bin.gz", ".replay", ".part"}

func hasTraceName(name string) bool {
	return slices.ContainsFunc(traceNames, func(end string) bool { return strings.HasSuffix(name, end) })
}

// isTrace tells whether a file of that name is a journal or a recording.
func (s site) isTrace(name string) bool {
	if path.Ext(name) == ".journal" {
		return true
	}
	f, err := s.root.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	begins := make([]byte, sniffed)
	n, _ := io.ReadFull(f, begins)
	return grpcreplay.Sniff(begins[:n])
}

// journals lists the journals of the directory, the newest first.
func (s site) journals() ([]listing, error) {
	var all []listing
	err := fs.WalkDir(s.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !hasTraceName(name) || !s.isTrace(name) {
			if name == "." {
				return err
			}
			return nil // what cannot be read is not listed
		}
		if info, err := d.Info(); err == nil {
			all = append(all, listing{Name: name, When: info.ModTime(), Bytes: info.Size()})
		}
		return nil
	})
	slices.SortFunc(all, func(a, b listing) int {
		return cmp.Or(b.When.Compare(a.When), cmp.Compare(a.Name, b.Name))
	})
	return all, err
}

// describe adds what the header of a journal says.
func (s site) describe(l *listing) {
	f, err := s.root.Open(l.Name)
	if err != nil {
		l.Bad = plainError(err).Error()
		return
	}
	defer f.Close()
	b := bufio.NewReaderSize(f, sniffed)
	if begins, _ := b.Peek(sniffed); grpcreplay.Sniff(begins) {
		l.Recording = true
		return // all of it would have to be read
	}
	r, err := journal.NewReader(b)
	if err != nil {
		l.Bad = located(l.Name, err).Error()
		return
	}
	l.Seed = r.Header().Seed
	for _, n := range r.Header().Notes {
		if n.Key == "test" {
			l.Test = n.Value
		}
	}
}

func (s site) trace(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if !hasTraceName(name) {
		http.NotFound(w, r)
		return
	}
	f, err := s.root.Open(name)
	if err != nil {
		code := http.StatusForbidden
		if errors.Is(err, fs.ErrNotExist) {
			code = http.StatusNotFound
		}
		http.Error(w, plainError(err).Error(), code)
		return
	}
	defer f.Close()
	var page bytes.Buffer
	rec, err := traceReader{}.read(name, f)
	if err == nil {
		err = rec.writePage(&page)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	writeHTML(w, page.Bytes())
}

func writeHTML(w http.ResponseWriter, page []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page) // the reader may have gone
}
