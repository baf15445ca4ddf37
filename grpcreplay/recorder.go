// A recorder: interceptors, a side file while it runs, a recording at its end.

package grpcreplay

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"google.golang.org/grpc"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/cause"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/redact"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/spool"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A Recorder records the calls of the connections that have its options.
//
// What happens goes to a side file next to Config.File, named
// <file>.<digits>.part, which stays behind and can be opened if the process
// is killed. Close makes the recording of it, whole, in the file's place.
type Recorder struct {
	config Config
	book   *book
	reel   *reel
	head   tape.Head
	base   *tape.Tape // calls that are recorded already and stay; nil: none

	side   *os.File // nil: kept in kept
	kept   []byte
	size   int64 // of all that is recorded
	secret *redaction

	mu      sync.Mutex
	initial []byte
	closed  bool       // or being closed
	result  *Recording // once it is made

	ending turnstile // held by who closes, which takes time
	err    error     // of having closed
}

// NewRecorder returns a recorder to Config.File or Config.Writer.
func NewRecorder(c Config) (*Recorder, error) {
	types, err := c.types()
	if err != nil {
		return nil, err
	}
	return newRecorder(c, nil, newBook(types), nil)
}

// newRecorder returns a recorder that adds to base and redacts by the rules
// of an older recording, if these are not nil.
func newRecorder(c Config, base *tape.Tape, b *book, redacted []string) (*Recorder, error) {
	if c.File == "" && c.Writer == nil {
		return nil, errors.New("grpcreplay: a recorder needs Config.File or Config.Writer")
	}
	if _, err := c.format(); err != nil {
		return nil, err
	}
	r := &Recorder{config: c, book: b, base: base, initial: c.Initial, ending: newTurnstile()}
	if err := r.prepare(redacted); err != nil {
		return nil, err
	}
	if err := r.openSide(); err != nil {
		return nil, err
	}
	r.reel = newReel(b, c.Before, r.write)
	return r, nil
}

// prepare settles the recording's head and the rules of redaction.
func (r *Recorder) prepare(redacted []string) error {
	match, err := r.config.Match.checked()
	if err != nil {
		return err
	}
	rules, salt := r.config.Redact.rules(), []byte(nil)
	if r.base != nil {
		r.head = r.base.Head
	}
	if redacted != nil {
		if rules, salt, err = redact.ParseRules(redacted); err != nil {
			return fmt.Errorf("grpcreplay: the recording's rules of redaction: %w", err)
		}
	}
	r.head.Metadata = union(r.head.Metadata, match.Metadata)
	r.head.Ignore = union(r.head.Ignore, match.Ignore)
	if salt == nil && !rules.Off {
		salt = saltOf(r.config.File)
	}
	if r.secret, err = newRedaction(rules, salt, r.book); err != nil {
		return err
	}
	r.head.Redact = rules.Lines(salt)
	return nil
}

// saltOf returns the salt of a file's pseudonyms. It stands in the file and is
// no secret; by the file's name it is another one for each file, and the same
// when the file is made anew, so that the two can be compared.
func saltOf(file string) []byte {
	sum := sha256.Sum256([]byte("grpcreplay " + filepath.Base(file)))
	return sum[:8]
}

// openSide opens the side file.
func (r *Recorder) openSide() error {
	r.kept = spool.AppendHead(nil, r.head)
	if r.initial != nil {
		r.kept = spool.AppendInitial(r.kept, r.initial)
	}
	if r.config.File == "" || r.config.Writer != nil {
		return nil
	}
	dir := filepath.Dir(r.config.File)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("grpcreplay: %w", err)
	}
	side, err := os.CreateTemp(dir, filepath.Base(r.config.File)+".*.part")
	if err != nil {
		return fmt.Errorf("grpcreplay: %w", err)
	}
	if _, err := side.Write(r.kept); err != nil {
		side.Close()
		os.Remove(side.Name())
		return fmt.Errorf("grpcreplay: %w", err)
	}
	r.side, r.size, r.kept = side, int64(len(r.kept)), r.kept[:0]
	return nil
}

// write redacts a batch of entries and writes it to the side file: up to the
// first that must not be there. Only the reel's goroutine calls it.
func (r *Recorder) write(batch []entry) error {
	for i := range batch {
		if err := r.add(&batch[i]); err != nil {
			return errors.Join(err, r.flush())
		}
	}
	return r.flush()
}

// add appends an entry to what is kept, if it may be there.
func (r *Recorder) add(e *entry) error {
	limits := r.config.Limits.tape()
	kept, err := r.secret.append(r.kept, e, limits.Message)
	if err != nil {
		return err
	}
	size := r.size + int64(len(kept)-len(r.kept))
	if size > limits.File {
		return fmt.Errorf("it has grown beyond %d bytes: set Config.Limits.File", limits.File)
	}
	r.kept, r.size = kept, size
	return nil
}

// flush writes what is kept to the side file, if there is one.
func (r *Recorder) flush() error {
	if r.side == nil {
		return nil
	}
	_, err := r.side.Write(r.kept)
	r.kept = r.kept[:0]
	return err
}

// DialOptions make a connection record its calls. They add to what the
// connection has, and change nothing of it.
func (r *Recorder) DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(r.InterceptUnary), grpc.WithChainStreamInterceptor(r.InterceptStream),
	}
}

// InterceptUnary is the interceptor of unary calls.
func (r *Recorder) InterceptUnary(
	ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	return r.reel.interceptUnary(ctx, method, req, reply, cc, invoker, opts...)
}

// InterceptStream is the interceptor of streams.
func (r *Recorder) InterceptStream(
	ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer,
	opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	return r.reel.interceptStream(ctx, desc, cc, method, streamer, opts...)
}

// Initial returns the bytes that are kept with the recording.
func (r *Recorder) Initial() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.initial
}

// SetInitial sets them, until Close.
func (r *Recorder) SetInitial(b []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errors.New("grpcreplay: SetInitial after Close")
	}
	r.initial = append([]byte{}, b...)
	r.reel.setInitial(r.initial)
	return nil
}

// Close ends the recording and writes it: to the file, which until then was
// what it had been, or to the writer. It returns the first error that
// occurred. Calls still under way are recorded as such. Closing again
// returns the same.
func (r *Recorder) Close() error { return r.close(true) }

// close ends the recording and keeps it, or throws it away.
func (r *Recorder) close(keep bool) error {
	r.ending.enter()
	defer r.ending.leave()
	r.mu.Lock()
	again := r.closed
	r.closed = true
	r.mu.Unlock()
	if again {
		return r.err
	}
	r.err = r.reel.close()
	if r.side != nil {
		defer r.side.Close()
	}
	if r.err == nil && keep {
		r.err = r.finish()
	}
	if r.err == nil && r.side != nil { // after an error it is all that there is
		r.side.Close()
		r.err = os.Remove(r.side.Name())
	}
	return r.err
}

// finish makes the recording of what was written to the side.
func (r *Recorder) finish() error {
	b := r.kept
	if r.side != nil {
		var err error
		if b, err = os.ReadFile(r.side.Name()); err != nil {
			return fmt.Errorf("grpcreplay: %w", err)
		}
	}
	_, _, calls, torn, err := spool.Load(b, r.config.Limits.tape())
	if err == nil && torn {
		err = errors.New("its end is missing")
	}
	if err != nil {
		return fmt.Errorf("grpcreplay: the side file: %w", err)
	}
	rec := &Recording{tape: r.develop(calls), schema: r.book.set()}
	r.mu.Lock()
	r.result = rec
	r.mu.Unlock()
	format, _ := r.config.format()
	if r.config.Writer != nil {
		return rec.Write(r.config.Writer, format)
	}
	return replaceFile(r.config.File, func(w io.Writer) error { return rec.Write(w, format) })
}

// made returns the recording, once it is made; else nil.
func (r *Recorder) made() *Recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.result
}

// develop orders calls, finds their causes, and puts them on a tape behind
// those of the base.
func (r *Recorder) develop(calls []*tape.Call) *tape.Tape {
	endThem(calls)
	calls = cause.Arrange(calls)
	cause.Presume(calls)
	t := &tape.Tape{Head: r.head}
	t.Head.Initial = r.Initial()
	number := 0
	if r.base != nil {
		for _, c := range r.base.Calls() {
			number = max(number, c.Number)
			t.Add(c)
		}
	}
	behind := t.Len()
	for _, c := range calls {
		number++
		c.Number = number
		for i := range c.Events {
			for j := range c.Events[i].After {
				c.Events[i].After[j].Call += behind
			}
		}
		t.Add(c)
	}
	t.Schema = typesOf(t, r.book)
	return t
}
