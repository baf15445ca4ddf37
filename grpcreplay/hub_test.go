// A service that many clients share at once.

package grpcreplay_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A hub keeps values, jobs and messages, and tells who listens.
type hub struct {
	rest func() // what it does before it answers

	mu      sync.Mutex
	count   int
	values  map[string]string
	jobs    map[string]int
	listens map[string][]chan string // by method
	items   chan string              // for who pulls
}

func newHub(rest func()) *hub {
	return &hub{
		rest: rest, values: map[string]string{}, jobs: map[string]int{}, listens: map[string][]chan string{},
		items: make(chan string, 1000),
	}
}

func (h *hub) desc() *grpc.ServiceDesc {
	d := &grpc.ServiceDesc{ServiceName: "hub.Hub"}
	for name, answer := range map[string]func(ctx context.Context, text string) (string, error){
		"Work": h.work, "Load": h.work, "Follow": h.work, "Count": h.number, "Put": h.put, "List": h.list,
		"Status": h.status, "Pull": h.pull, "Publish": h.publish, "Ack": h.work, "Fail": h.fail,
	} {
		d.Methods = append(d.Methods, grpc.MethodDesc{MethodName: name, Handler: func(
			_ any, ctx context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor,
		) (any, error) {
			r := new(wrapperspb.StringValue)
			if err := dec(r); err != nil {
				return nil, err
			}
			h.rest()
			text, err := answer(ctx, r.Value)
			return wrapperspb.String(text), err
		}})
	}
	for name, serve := range map[string]func(s hubStream) error{
		"Watch": h.watch, "Download": h.download, "Upload": h.upload, "Talk": h.talk, "Greet": h.greet,
		"Room": h.room, "Subscribe": h.subscribe, "Keep": h.talk,
	} {
		d.Streams = append(d.Streams, grpc.StreamDesc{
			StreamName: name, ServerStreams: true, ClientStreams: true,
			Handler: func(_ any, s grpc.ServerStream) error { return serve(hubStream{s, h}) },
		})
	}
	return d
}

type hubStream struct {
	grpc.ServerStream
	*hub
}

func (s hubStream) hear() (string, error) {
	m := new(wrapperspb.StringValue)
	err := s.RecvMsg(m)
	return m.Value, err
}

func (s hubStream) say(text string) error { return s.SendMsg(wrapperspb.String(text)) }

func (h *hub) work(_ context.Context, text string) (string, error) { return "done " + text, nil }

func (h *hub) fail(_ context.Context, text string) (string, error) {
	return "", fmt.Errorf("no %s", text)
}

func (h *hub) number(context.Context, string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	return fmt.Sprint(h.count), nil
}

func (h *hub) put(_ context.Context, text string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	key, value, _ := strings.Cut(text, "=")
	h.values[key] = value
	for _, l := range h.listens["Watch"] {
		l <- text
	}
	return fmt.Sprint("revision ", h.count), nil
}

func (h *hub) list(context.Context, string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []string
	for k, v := range h.values {
		all = append(all, k+"="+v)
	}
	slices.Sort(all)
	return strings.Join(all, " "), nil
}

func (h *hub) status(_ context.Context, job string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.jobs[job]++
	if h.jobs[job] > 4 {
		return "done", nil
	}
	return "pending", nil
}

func (h *hub) pull(ctx context.Context, _ string) (string, error) {
	select {
	case text := <-h.items:
		return text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (h *hub) publish(_ context.Context, text string) (string, error) {
	h.items <- text
	return "published", nil
}

// listen adds a listener.
func (h *hub) listen(what string) chan string {
	l := make(chan string, 1000)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listens[what] = append(h.listens[what], l)
	return l
}

// watch tells what is put, until "end" is.
func (h *hub) watch(s hubStream) error {
	s.hear()
	l := h.listen("Watch")
	s.SendHeader(nil)
	for {
		select {
		case text := <-l:
			if text == "end=" {
				return nil
			}
			h.rest()
			s.say(text)
		case <-s.Context().Done():
			return s.Context().Err()
		}
	}
}

func (h *hub) download(s hubStream) error {
	text, _ := s.hear()
	for i := range 20 {
		if i%5 == 0 {
			h.rest()
		}
		s.say(fmt.Sprint(text, " ", i))
	}
	return nil
}

func (h *hub) upload(s hubStream) error {
	var all []string
	for {
		text, err := s.hear()
		if err != nil {
			break
		}
		all = append(all, text)
	}
	h.rest()
	return s.say(strings.Join(all, " "))
}

func (h *hub) talk(s hubStream) error {
	for {
		text, err := s.hear()
		if err != nil {
			return s.say("bye")
		}
		h.rest()
		s.say("echo " + text)
	}
}

// greet is talk, but says another thing first to everybody.
func (h *hub) greet(s hubStream) error {
	s.hear()
	h.rest()
	n, _ := h.number(s.Context(), "")
	s.say("you are " + n)
	return h.talk(s)
}

// room tells everybody what anybody says, until he leaves.
func (h *hub) room(s hubStream) error {
	name, _ := s.hear()
	l := h.listen("Room")
	s.say("welcome " + name)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for text := range l {
			if text == name+" leaves" {
				return
			}
			s.say(text)
		}
	}()
	for {
		text, err := s.hear()
		if err != nil {
			text = "leaves"
		}
		h.mu.Lock()
		for _, other := range h.listens["Room"] {
			other <- name + " " + text
		}
		h.mu.Unlock()
		if err != nil {
			<-gone
			return nil
		}
	}
}

// subscribe hands each item to one of the subscribers, and confirms what they
// acknowledge.
func (h *hub) subscribe(s hubStream) error {
	s.hear()
	s.SendHeader(nil)
	acks := make(chan string)
	go func() {
		for {
			text, err := s.hear()
			if err != nil {
				close(acks)
				return
			}
			select {
			case acks <- text:
			case <-s.Context().Done():
				return
			}
		}
	}()
	for {
		select {
		case text := <-h.items:
			h.rest()
			s.say(text)
		case text, ok := <-acks:
			if !ok {
				return nil
			}
			s.say("confirmed " + text)
		case <-s.Context().Done():
			return nil
		}
	}
}
