// Rules in force, and the two answers that need none.

package access

import (
	_ "embed" // the default rules
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/casbin/casbin/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog/internal/files"
)

// The actions on a log. Its object is "*".
const (
	Produce   = "produce"
	Consume   = "consume"
	Replicate = "replicate" // what nodes do with each other
)

// DefaultModel has subjects, objects, actions, and roles of subjects.
//
//go:embed default/model.conf
var DefaultModel []byte

// DefaultPolicy lets root produce and consume, peer replicate, and nobody else
// do anything.
//
//go:embed default/policy.csv
var DefaultPolicy []byte

// An Authorizer says whether a subject may do an action to an object: nil, or
// a status of code PermissionDenied.
type Authorizer interface {
	Authorize(subject, object, action string) error
}

// Deny denies everything to everyone. Loopback allows everything to everyone;
// it is for a node that listens on loopback, without TLS, and knows nobody's
// name.
var (
	Deny     Authorizer = fixed(false)
	Loopback Authorizer = fixed(true)
)

type fixed bool

func (allowed fixed) Authorize(subject, object, action string) error {
	if allowed {
		return nil
	}
	return denied(subject, object, action)
}

func denied(subject, object, action string) error {
	return status.Errorf(codes.PermissionDenied, "%s not permitted to %s to %s", subject, action, object)
}

// Config configures [Rules]. The zero Config has the default model and policy.
type Config struct {
	ModelFile  string           // if "", Model
	PolicyFile string           // if "", Policy
	Model      []byte           // if nil too, DefaultModel
	Policy     []byte           // if nil too, DefaultPolicy
	FS         files.FS         // what has the files; if nil, the operating system
	Now        func() time.Time // the clock; if nil, time.Now
	Logger     *slog.Logger     // told of changed files, and of those that cannot be used; if nil, nobody
}

// Rules are a model and a policy in force. When their files change, the new
// ones are in force within a second, both or neither: if there is anything
// wrong with them the old ones stay, and the logger is told. Rules are safe
// for concurrent use.
type Rules struct {
	files  *files.Value[*decisions]
	logger *slog.Logger
}

// New returns the rules. Its errors say in which line of which file something
// is wrong.
func New(c Config) (*Rules, error) {
	if c.ModelFile != "" && c.Model != nil || c.PolicyFile != "" && c.Policy != nil {
		return nil, errors.New("access: a file is named and its contents are given; want one of the two")
	}
	if c.Model == nil {
		c.Model = DefaultModel
	}
	if c.Policy == nil {
		c.Policy = DefaultPolicy
	}
	var names []string
	for _, name := range []string{c.ModelFile, c.PolicyFile} {
		if name != "" {
			names = append(names, name)
		}
	}
	r := &Rules{logger: c.Logger}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	var err error
	r.files, err = files.Load(files.Config[*decisions]{
		Names: names, Load: c.load, FS: c.FS, Now: c.Now, Logger: r.logger, What: "access rules",
	})
	if err != nil {
		return nil, errors.New("access: " + err.Error())
	}
	return r, nil
}

// load makes rules of the contents of those files that are named.
func (c Config) load(contents [][]byte) (*decisions, error) {
	m, p := source{"the model", c.Model}, source{"the policy", c.Policy}
	if c.ModelFile != "" {
		m, contents = source{c.ModelFile, contents[0]}, contents[1:]
	}
	if c.PolicyFile != "" {
		p = source{c.PolicyFile, contents[0]}
	}
	enforcer, err := enforcerOf(m, p)
	if err != nil {
		return nil, err
	}
	return &decisions{enforcer: enforcer}, nil
}

// Authorize returns nil if the rules allow it. A subject without a name may do
// nothing. Rules that fail at this question, which is logged, deny.
func (r *Rules) Authorize(subject, object, action string) error {
	q := question{subject, object, action}
	allowed, err := r.files.Get().decide(q)
	if err != nil {
		r.logger.Error("the access rules fail, and so deny", "subject", subject, "object", object, "action", action,
			"error", err)
	}
	if !allowed {
		return denied(subject, object, action)
	}
	return nil
}

type question struct{ subject, object, action string }

// remembered is how many answers are kept. There are as many as certificates
// were signed, times two or three; past that all are forgotten.
const remembered = 2000

// decisions are the rules of one state of the files, and what they have
// answered.
type decisions struct {
	enforcer *casbin.Enforcer
	answers  sync.Map // of question to bool
	count    atomic.Int64
}

func (d *decisions) decide(q question) (allowed bool, err error) {
	if q.subject == "" {
		return false, nil
	}
	if answer, ok := d.answers.Load(q); ok {
		return answer.(bool), nil
	}
	if allowed, err = enforce(d.enforcer, q); err != nil {
		return false, err
	}
	if d.count.Add(1) > remembered {
		d.answers.Clear()
		d.count.Store(1)
	}
	d.answers.Store(q, allowed)
	return allowed, nil
}

// enforce asks Casbin, whose errors may be a panic with its stack.
func enforce(e *casbin.Enforcer, q question) (bool, error) {
	allowed, err := e.Enforce(q.subject, q.object, q.action)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return false, errors.New(first)
	}
	return allowed, nil
}
