// An inbox: the requests of a stream that wait for the one before.

package service

import (
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

const (
	inboxRequests = 256     // that wait at most
	inboxBytes    = 4 << 20 // of requests that wait at most, but one may always wait
	runBytes      = 256 << 10
)

// An inbox has one goroutine that puts requests in and one that takes them.
type inbox struct {
	mu      sync.Mutex
	changed sync.Cond
	waiting []letter
	bytes   int
	err     error // why no more come; nil while some may
}

// A letter is a request and its size.
type letter struct {
	req  *logv1.ProduceRequest
	size int
}

func newInbox() *inbox {
	in := &inbox{}
	in.changed.L = &in.mu
	return in
}

// put waits until there is room for req. It is false when the inbox has ended.
func (in *inbox) put(req *logv1.ProduceRequest) bool {
	l := letter{req, proto.Size(req)}
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.err == nil && in.full(l) {
		in.changed.Wait()
	}
	if in.err != nil {
		return false
	}
	in.waiting = append(in.waiting, l)
	in.bytes += l.size
	in.changed.Broadcast()
	return true
}

func (in *inbox) full(l letter) bool {
	n := len(in.waiting)
	return n > 0 && (n >= inboxRequests || in.bytes+l.size > inboxBytes)
}

// end says that no more requests come, and why. The first reason stands.
func (in *inbox) end(why error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.err = why
	}
	in.changed.Broadcast()
}

// take waits for requests, and returns the first and those behind it that may
// go with it as one batch. When all are taken and the inbox has ended, it
// returns why.
func (in *inbox) take() ([]*logv1.ProduceRequest, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.waiting) == 0 && in.err == nil {
		in.changed.Wait()
	}
	if len(in.waiting) == 0 {
		return nil, in.err
	}
	var run []*logv1.ProduceRequest
	size := 0
	for _, l := range in.waiting {
		together := l.req.GetProducer() == 0 && (len(run) == 0 || run[0].GetProducer() == 0)
		if len(run) > 0 && (!together || size+l.size > runBytes) {
			break
		}
		run = append(run, l.req)
		size += l.size
	}
	clear(in.waiting[:len(run)])
	in.waiting = in.waiting[len(run):]
	in.bytes -= size
	in.changed.Broadcast()
	return run, nil
}
