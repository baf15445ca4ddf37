// The service as the program sees it: recorded, replayed, scripted.

package grpcreplay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"sync"

	"google.golang.org/grpc"

	"github.com/rehearse-go/rehearse/rule"
)

// A Service is a gRPC service as the program sees it: the real one while it
// is recorded, the recording, what rules say, or a mixture of them. A program
// reaches it by DialOptions, by Conn or at Addr.
type Service struct {
	config Config
	mode   Mode // what is done, now that it is decided
	book   *book
	note   *notes
	ledger *ledger
	veil   secrets // over what the journal is told
	rules  rule.List[*Call, Answer]

	anew      *regexp.Regexp   // methods whose calls are recorded anew; nil: none
	recording *Recording       // what is replayed or compared with; nil: none
	player    *player          // nil: nothing is replayed
	recorder  *Recorder        // nil: nothing is recorded
	target    *grpc.ClientConn // to the real service; nil without Config.Target
	entry     *entrance
	listener  net.Listener // nil: none

	mu   sync.Mutex
	conn *grpc.ClientConn

	ending turnstile // held by who closes, which takes time
	closed bool
	err    error
}

// New returns the service that a Config describes. Close ends it.
func New(c Config) (*Service, error) {
	s := &Service{config: c, note: newNotes(c), ledger: newLedger(c), ending: newTurnstile()}
	s.entry = newEntrance(s)
	err := s.settle()
	if err == nil {
		err = s.begin()
	}
	if err == nil {
		err = s.listen()
	}
	if err != nil {
		if s.recorder != nil {
			s.recorder.close(false) // nothing was recorded: it leaves no file behind
		}
		s.release()
		return nil, err
	}
	return s, nil
}

// begin makes what the mode needs.
func (s *Service) begin() (err error) {
	types, err := s.config.types()
	if err != nil {
		return err
	}
	if s.recording != nil {
		types = s.recording.schema.Or(types)
	}
	s.book = newBook(types)
	if s.config.Target != "" && s.live() {
		if s.target, err = s.config.dialTarget(); err != nil {
			return fmt.Errorf("grpcreplay: Config.Target: %w", err)
		}
		s.book.ask = func(name string) (*descriptorSet, error) { return reflected(s.target, name) }
	}
	if s.replays() {
		if s.player, err = newPlayer(s.recording, s.config, s.note, s.skip()); err != nil {
			return err
		}
	}
	if s.records() {
		if s.recorder, err = s.newRecorder(); err != nil {
			return err
		}
	}
	s.ledger.tell = s.tale
	s.veil, err = s.veiled()
	return err
}

// live tells whether the real service may be asked.
func (s *Service) live() bool { return s.mode != ModeNone }

// replays tells whether calls are answered from a recording.
func (s *Service) replays() bool {
	return s.recording != nil && (s.mode == ModeNone || s.mode == ModeNew || s.mode == ModeSpy)
}

// records tells whether calls are recorded.
func (s *Service) records() bool {
	return s.mode == ModeAll || s.mode == ModeNew || s.mode == ModeVerify
}

// newRecorder returns the recorder that the mode needs: one that adds to the
// recording, makes it anew, or only remembers.
func (s *Service) newRecorder() (*Recorder, error) {
	c := s.config
	switch {
	case s.mode == ModeVerify:
		c.File, c.Writer, c.Initial = "", nowhere{}, nil
		c.Match.Ignore = union(c.Match.Ignore, s.recording.tape.Head.Ignore)
		return newRecorder(c, nil, s.book, s.recording.tape.Head.Redact)
	case s.mode == ModeNew && s.recording != nil:
		return newRecorder(c, s.kept(), s.book, s.recording.tape.Head.Redact)
	}
	return newRecorder(c, nil, s.book, nil)
}

// listen opens the socket, if there is to be one.
func (s *Service) listen() error {
	if s.config.Listen == nil {
		return nil
	}
	address := s.config.ListenAddress
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := s.config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("grpcreplay: Config.Listen: %w", err)
	}
	s.listener = l
	return s.entry.open(l, s.config.ListenTLS, s.extras()...)
}

// Addr returns the address at which the service is reached, with
// Config.Listen; else "".
func (s *Service) Addr() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Mode returns what is done: where Config left it open, what was decided.
func (s *Service) Mode() Mode { return s.mode }

// DialOptions make the program's own connection lead here. They add to its
// interceptors and change none. Where nothing but a recording or rules
// answer, the connection resolves no name, dials nothing and asks for no
// credentials.
func (s *Service) DialOptions() []grpc.DialOption {
	var opts []grpc.DialOption
	if !s.live() {
		opts = offline(s.entry)
	}
	return append(opts,
		grpc.WithChainUnaryInterceptor(s.InterceptUnary), grpc.WithChainStreamInterceptor(s.InterceptStream))
}

// Conn returns a connection to the service in memory: gRPC with all that
// belongs to it, such as stats handlers, and no socket but to Config.Target. It
// is always the same, and closed by Close: after that its calls fail.
func (s *Service) Conn() *grpc.ClientConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		s.conn, _ = s.entry.dial(nil) // its options are ours, and known to be good
	}
	return s.conn
}

// Dial returns a further connection in memory, with options of the program's
// own. Close closes it; after that a new one is closed already.
func (s *Service) Dial(opts ...grpc.DialOption) (*grpc.ClientConn, error) { return s.entry.dial(opts) }

// Initial returns the program's own bytes: those that were kept with the
// recording on replay, else those that are to be kept.
func (s *Service) Initial() []byte {
	if s.recorder != nil && s.mode != ModeVerify {
		return s.recorder.Initial()
	}
	if s.recording != nil {
		return s.recording.Initial()
	}
	return s.config.Initial
}

// SetInitial sets the bytes that are kept with the recording. It errs when
// nothing is being recorded.
func (s *Service) SetInitial(b []byte) error {
	if s.recorder == nil || s.mode == ModeVerify {
		return errors.New("grpcreplay: SetInitial: nothing is being recorded")
	}
	return s.recorder.SetInitial(b)
}

// Rule adds a rule that decides what answers a call, before the recording or
// the real service is asked. It is asked once for each call, when the first
// message or the half-close has come. Rules are asked in the order in which they
// were added; the first that decides wins.
func (s *Service) Rule(r rule.Rule[*Call, Answer]) (remove func()) { return s.rules.Add(r) }

// NamedRule is Rule for one with a name, by which RuleStats calls it.
func (s *Service) NamedRule(name string, r rule.Rule[*Call, Answer]) (remove func()) {
	return s.rules.AddNamed(name, r)
}

// RuleStats tells how often each rule was asked and decided.
func (s *Service) RuleStats() []rule.Stat { return s.rules.Stats() }

// Recording returns the recording that is replayed, or, after Close, the one
// that was made; else nil.
func (s *Service) Recording() *Recording {
	if s.recorder != nil && s.mode != ModeVerify {
		return s.recorder.made()
	}
	return s.recording
}

// Unused returns the recorded calls that were not made, or not to their end.
func (s *Service) Unused() []*Call {
	if s.player == nil {
		return nil
	}
	return s.player.unused()
}

// Close ends the service: it writes what was recorded and returns what went
// wrong. On replay these are calls that nothing fits, and recorded calls that
// were not made unless AllowUnused; with ModeVerify, what differs. It ends
// calls over connections and waits for those who answer them, so that a rule
// must not call it. Closing again returns the same.
func (s *Service) Close() error { return s.close(true) }

// Discard ends the service as Close does, and leaves the file as it was: what
// was recorded is thrown away.
func (s *Service) Discard() error { return s.close(false) }

// close ends the service and keeps what was recorded, or throws it away.
func (s *Service) close(keep bool) error {
	s.ending.enter()
	defer s.ending.leave()
	if s.closed {
		return s.err
	}
	s.closed = true
	s.entry.rest(parting)
	s.err = s.verdict(keep) // first: calls under way are recorded as such
	s.release()
	return s.err
}

// verdict writes the recording and says what went wrong.
func (s *Service) verdict(keep bool) error {
	var errs []error
	if s.player != nil {
		errs = append(errs, s.player.verdict())
	}
	if s.recorder != nil {
		errs = append(errs, s.recorder.close(keep))
		if now := s.recorder.made(); s.mode == ModeVerify && now != nil {
			errs = append(errs, drifted(s.recording, now))
		}
	}
	return errors.Join(errs...)
}

// release closes connections, servers and sockets.
func (s *Service) release() {
	s.entry.close()
	if s.target != nil {
		s.target.Close()
	}
}

// nowhere is where the recording of a comparison goes.
type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
