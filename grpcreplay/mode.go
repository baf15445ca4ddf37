// Which mode it is, and what a run of tests may say about it.

package grpcreplay

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// rerecord is what go test -grpcreplay.record=REGEXP names: tests and files,
// which are recorded anew, and methods, whose calls are.
var rerecord = flag.String("grpcreplay.record", "",
	"record anew: tests, recordings and methods that match this regular expression")

// settle decides what is done, and opens the recording that it needs.
func (s *Service) settle() error {
	c := s.config
	if s.mode = c.Mode; s.mode == "" {
		s.mode = ModeOnce
		if os.Getenv("CI") != "" {
			s.mode = ModeNone
		}
	}
	if err := c.check(); err != nil {
		return err
	}
	known := []Mode{ModeOnce, ModeNone, ModeNew, ModeAll, ModeVerify, ModeSpy}
	switch {
	case !slices.Contains(known, s.mode):
		return fmt.Errorf("grpcreplay: Config.Mode is %q: once, none, new, all, verify and spy are known", s.mode)
	case c.NoFile && (s.mode == ModeAll || s.mode == ModeNew || s.mode == ModeVerify):
		return fmt.Errorf("grpcreplay: Config.Mode is %q, which needs a file, and NoFile is set", s.mode)
	case c.NoFile:
		if c.Mode != ModeNone {
			s.mode = ModeSpy
		}
		return nil
	case c.Writer != nil && c.Recording == nil:
		s.mode = ModeAll
		return nil
	case c.File == "" && c.Recording == nil:
		return errors.New("grpcreplay: Config.File is empty: name a file, or set NoFile")
	}
	if err := s.heed(*rerecord); err != nil {
		return err
	}
	return s.open()
}

// check finds what makes no sense in a Config.
func (c Config) check() error {
	switch {
	case c.Pace < 0:
		return fmt.Errorf("grpcreplay: Config.Pace is %v: it is 0 for at once, 1 for as recorded", c.Pace)
	case c.Grace < 0:
		return fmt.Errorf("grpcreplay: Config.Grace is %v: it is a time to wait, 0 for %v", c.Grace, defaultGrace)
	case c.ListenAddress != "" && c.Listen == nil:
		return fmt.Errorf("grpcreplay: Config.ListenAddress is %q, and Listen is nil: "+
			"new(net.ListenConfig).Listen opens sockets", c.ListenAddress)
	}
	return nil
}

// heed applies a regular expression of what to record anew.
func (s *Service) heed(expression string) error {
	if expression == "" {
		return nil
	}
	re, err := regexp.Compile(expression)
	if err != nil {
		return fmt.Errorf("grpcreplay: -grpcreplay.record: %w", err)
	}
	if re.MatchString(s.config.File) || s.config.test != "" && re.MatchString(s.config.test) {
		s.mode = ModeAll
		return nil
	}
	s.anew = re
	return nil
}

// open opens the recording, if the mode needs one, and settles what depends
// on whether there is one.
func (s *Service) open() error {
	if s.mode == ModeAll {
		return nil
	}
	if s.recording = s.config.Recording; s.recording == nil {
		var err error
		s.recording, err = s.config.open()
		absent := errors.Is(err, fs.ErrNotExist)
		if absent && (s.mode == ModeOnce || s.mode == ModeNew) {
			s.mode = ModeAll
			return nil
		}
		if absent && (s.mode == ModeNone || s.mode == ModeVerify) {
			return fmt.Errorf("%w: record it first: ModeOnce or ModeAll, with CI not set, or -grpcreplay.record", err)
		}
		if err != nil && !(absent && s.mode == ModeSpy) {
			return err
		}
	}
	if s.mode == ModeOnce {
		s.mode = ModeNone
	}
	if s.anew != nil && s.recording != nil && s.mode == ModeNone && s.hasMethods() {
		s.mode = ModeNew
	}
	return s.expire()
}

// hasMethods tells whether calls of methods that are to be recorded anew are
// in the recording.
func (s *Service) hasMethods() bool {
	for _, c := range s.recording.tape.Calls() {
		if s.anew.MatchString(c.Method) {
			return true
		}
	}
	return false
}

// skip tells which recorded calls are not on offer, since they are to be
// recorded anew; nil if all are.
func (s *Service) skip() func(int) bool {
	if s.anew == nil || s.mode != ModeNew {
		return nil
	}
	return func(i int) bool { return s.anew.MatchString(s.recording.tape.Call(i).Method) }
}

// kept returns the recorded calls that stay when others are added.
func (s *Service) kept() *tape.Tape {
	skip := s.skip()
	if skip == nil {
		return s.recording.tape
	}
	return s.recording.tape.Without(skip)
}

// expire does what Config says of a recording that is too old.
func (s *Service) expire() error {
	c := s.config
	if c.Expire == 0 || c.File == "" || s.recording == nil {
		return nil
	}
	info, err := os.Stat(c.File)
	if err != nil || time.Since(info.ModTime()) <= c.Expire {
		return nil
	}
	age := time.Since(info.ModTime()).Round(time.Hour)
	switch c.Expired {
	case ExpiredFail:
		return fmt.Errorf("grpcreplay: %s is %v old, more than %v: record it anew", c.File, age, c.Expire)
	case ExpiredRecord:
		if s.mode == ModeNone && c.Mode != ModeNone {
			s.mode, s.recording = ModeAll, nil
		}
	case "", ExpiredWarn:
		if c.Log != nil {
			c.Log("grpcreplay: %s is %v old, more than %v", c.File, age, c.Expire)
		}
	default:
		return fmt.Errorf("grpcreplay: Config.Expired is %q: %s are known", c.Expired,
			strings.Join([]string{string(ExpiredWarn), string(ExpiredFail), string(ExpiredRecord)}, ", "))
	}
	return nil
}
