// What is known of the types in a recording, and whom to ask for more.

package grpcreplay

import (
	"fmt"
	"strings"
	"sync"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
)

// A descriptorSet is the files of some types.
type descriptorSet = descriptorpb.FileDescriptorSet

// A book is the schemas at hand: the recording's, the Config's, the
// program's own, and what the real service said when it was asked.
type book struct {
	mu    sync.Mutex
	known *schema.Set
	ask   func(name string) (*descriptorSet, error) // nil: nobody can be asked
	asked map[string]bool
}

// newBook returns a book of what is known already.
func newBook(known *schema.Set) *book { return &book{known: known, asked: make(map[string]bool)} }

// types returns what is known before any recording is read: the Config's
// schema, before what is linked in.
func (c Config) types() (*schema.Set, error) {
	if c.Schema == nil {
		return schema.Linked(), nil
	}
	own, err := schema.FromFiles(c.Schema)
	if err != nil {
		return nil, fmt.Errorf("grpcreplay: Config.Schema: %w", err)
	}
	return own.Or(schema.Linked()), nil
}

// set returns what is known now.
func (b *book) set() *schema.Set {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known
}

// learn makes the schema of a method known if that can be, and returns all
// that is known. A service is asked for once.
func (b *book) learn(method string) *schema.Set {
	known := b.set()
	if b.ask == nil || known.Method(method) != nil {
		return known
	}
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	return b.find(service)
}

// learnType is learn for a message, by its full name or type URL.
func (b *book) learnType(name string) *schema.Set {
	known := b.set()
	if b.ask == nil || known.Message(name) != nil {
		return known
	}
	return b.find(name[strings.LastIndexByte(name, '/')+1:])
}

// find asks for what defines a name, once, and returns all that is known.
func (b *book) find(name string) *schema.Set {
	b.mu.Lock()
	known, again := b.known, b.asked[name]
	b.asked[name] = true
	b.mu.Unlock()
	if again {
		return known
	}
	files, err := b.ask(name)
	if err != nil {
		return known
	}
	more, err := schema.FromFiles(files)
	if err != nil {
		return known
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known = b.known.Or(more)
	return b.known
}
