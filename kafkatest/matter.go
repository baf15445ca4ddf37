// Matters: which topics, partitions, groups and transactional ids a request is about.

package kafkatest

import (
	"cmp"
	"reflect"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A matter is one thing that a request is about.
type matter struct {
	topic      string
	partition  int32 // noPartition where the request names the topic alone
	group, txn string
}

const noPartition = -1

// A sieve takes from requests the matters for which keep holds. It walks the
// request's struct, so that it knows every API: a slice whose elements name
// topics, partitions, groups or transactional ids is thinned out.
type sieve struct {
	keep      func(matter) bool
	topicName func(id [16]byte) string
	kept      int // matters kept
	dropped   int
}

// request returns a copy of req with only the matters that are kept. What the
// matters do not hang from stays; the byte slices are shared.
func (s *sieve) request(req kmsg.Request) kmsg.Request {
	copied := reflect.New(reflect.TypeOf(req).Elem())
	copied.Elem().Set(reflect.ValueOf(req).Elem())
	s.structure(copied.Elem(), matter{partition: noPartition})
	return copied.Interface().(kmsg.Request)
}

// structure thins out v and reports whether anything of it is kept. A struct
// that nothing hangs from is itself a matter.
func (s *sieve) structure(v reflect.Value, at matter) bool {
	shape := shapeOf(v.Type())
	at = s.locate(v, shape, at)
	leaf, kept := true, false
	for _, i := range shape.branches {
		list := v.Field(i)
		if list.Len() == 0 {
			continue
		}
		leaf = false
		list.Set(s.list(v, i, at))
		kept = kept || list.Len() > 0
	}
	if leaf {
		return s.decide(at)
	}
	return kept
}

func (s *sieve) decide(at matter) bool {
	if s.keep(at) {
		s.kept++
		return true
	}
	s.dropped++
	return false
}

// list returns what is kept of the slice in field i of v.
func (s *sieve) list(v reflect.Value, i int, at matter) reflect.Value {
	list := v.Field(i)
	kept := reflect.MakeSlice(list.Type(), 0, list.Len())
	for j := range list.Len() {
		e := reflect.New(list.Type().Elem()).Elem()
		e.Set(list.Index(j))
		if s.element(v, i, e, at) {
			kept = reflect.Append(kept, e)
		}
	}
	return kept
}

func (s *sieve) element(v reflect.Value, i int, e reflect.Value, at matter) bool {
	switch e.Kind() {
	case reflect.Struct:
		return s.structure(e, at)
	case reflect.Int32:
		at.partition = int32(e.Int())
	default:
		at = named(at, v, v.Type().Field(i).Name, e.String())
	}
	return s.decide(at)
}

// named puts a name from a list of names into its matter.
func named(at matter, v reflect.Value, field, name string) matter {
	kind := nameLists[field]
	if field == "CoordinatorKeys" {
		kind = coordinatorKind(v)
	}
	switch kind {
	case "topic":
		at.topic = name
	case "group":
		at.group = name
	case "txn":
		at.txn = name
	}
	return at
}

// nameLists are the fields that list names, with what they name.
var nameLists = map[string]string{
	"TopicNames":       "topic",
	"Groups":           "group",
	"GroupIDs":         "group",
	"TransactionalIDs": "txn",
	"CoordinatorKeys":  "", // CoordinatorType tells
}

// coordinatorKind tells what the keys of a FindCoordinator request name.
func coordinatorKind(v reflect.Value) string {
	switch v.FieldByName("CoordinatorType").Int() {
	case 0:
		return "group"
	case 1:
		return "txn"
	}
	return ""
}

// locate adds to at what the fields of v itself say.
func (s *sieve) locate(v reflect.Value, shape *shape, at matter) matter {
	at.topic = cmp.Or(text(v, shape.topic), at.topic)
	at.group = cmp.Or(text(v, shape.group), at.group)
	at.txn = cmp.Or(text(v, shape.txn), at.txn)
	if shape.topicID >= 0 && at.topic == "" {
		if id := v.Field(shape.topicID).Interface().([16]byte); id != [16]byte{} {
			at.topic = s.topicName(id)
		}
	}
	if shape.partition >= 0 {
		at.partition = int32(v.Field(shape.partition).Int())
	}
	if shape.resource >= 0 {
		at = resourceAt(at, v.FieldByName("ResourceType").Int(), text(v, shape.resource))
	}
	if shape.coordinator >= 0 && v.Field(shape.coordinator).String() != "" {
		at = named(at, v, "CoordinatorKeys", v.Field(shape.coordinator).String())
	}
	return at
}

// resourceAt adds what a resource of ACLs or configs names. Both know topics
// by 2; groups are 3 to ACLs and 32 to configs, and 5 is a transactional id.
func resourceAt(at matter, kind int64, name string) matter {
	switch kind {
	case int64(kmsg.ACLResourceTypeTopic):
		at.topic = name
	case int64(kmsg.ACLResourceTypeGroup), int64(kmsg.ConfigResourceTypeGroupConfig):
		at.group = name
	case int64(kmsg.ACLResourceTypeTransactionalId):
		at.txn = name
	}
	return at
}

// text returns the string in a field that is one or points to one; "" if
// there is no such field.
func text(v reflect.Value, field int) string {
	if field < 0 {
		return ""
	}
	f := v.Field(field)
	if f.Kind() == reflect.Pointer {
		if f.IsNil() {
			return ""
		}
		f = f.Elem()
	}
	return f.String()
}

// A shape says where the fields of a struct are that tell matters; -1 where it
// has none.
type shape struct {
	topic, topicID, group, txn, partition, resource, coordinator int

	branches []int // slices that matters hang from
}

var shapes sync.Map // reflect.Type to *shape

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	s := &shape{
		topic: fieldOf(t, "Topic"), topicID: fieldOf(t, "TopicID"), group: fieldOf(t, "Group", "GroupID"),
		txn: fieldOf(t, "TransactionalID", "TransactionID"), partition: fieldOf(t, "Partition"),
		resource: fieldOf(t, "ResourceName"), coordinator: fieldOf(t, "CoordinatorKey"),
	}
	for i := range t.NumField() {
		if isBranch(t.Field(i)) {
			s.branches = append(s.branches, i)
		}
	}
	shapes.Store(t, s)
	return s
}

// fieldOf returns the index of the field with one of the names; -1 if there
// is none.
func fieldOf(t reflect.Type, names ...string) int {
	for i := range t.NumField() {
		if slices.Contains(names, t.Field(i).Name) {
			return i
		}
	}
	return -1
}

// notAbout are slices that name matters which the request is not about.
var notAbout = []string{"ForgottenTopics", "ForgottenTopicsData", "ReplicaAssignment", "Cursor"}

func isBranch(f reflect.StructField) bool {
	if f.Type.Kind() != reflect.Slice || slices.Contains(notAbout, f.Name) {
		return false
	}
	switch e := f.Type.Elem(); e.Kind() {
	case reflect.Struct:
		s := shapeOf(e)
		return s.topic >= 0 || s.topicID >= 0 || s.group >= 0 || s.txn >= 0 || s.partition >= 0 ||
			s.resource >= 0 || len(s.branches) > 0
	case reflect.String:
		_, names := nameLists[f.Name]
		return names
	case reflect.Int32:
		return f.Name == "Partitions"
	}
	return false
}
