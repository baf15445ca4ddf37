// Mirrors: empty answers with an entry for each part of the request.

package kafkatest

import (
	"reflect"
	"slices"
	"sync"
)

// mirrored tells where in the request the parts of a response come from, when
// it is not the field of the same name.
var mirrored = map[string][]string{
	"Coordinators":      {"CoordinatorKeys"},
	"Results":           {"Creations", "Filters", "Users", "FeatureUpdates", "Deletions", "Upsertions"},
	"TransactionStates": {"TransactionalIDs"},
	"Groups":            {"Groups", "GroupIDs"},
	"Topics":            {"Topics", "TopicNames", "Dirs"},
}

// mirror fills a response with the parts of the request.
func mirror(resp, req reflect.Value) {
	for i := range resp.NumField() {
		f := resp.Type().Field(i)
		if f.Type.Kind() != reflect.Slice || f.Type.Elem().Kind() != reflect.Struct {
			continue
		}
		if f.Name != "Entity" && !hasRoom(f.Type.Elem()) {
			continue
		}
		sources, ok := mirrored[f.Name]
		if !ok {
			sources = []string{f.Name}
		}
		for _, name := range sources {
			if source := req.FieldByName(name); source.IsValid() && source.Kind() == reflect.Slice {
				mirrorList(resp.Field(i), source)
			}
		}
	}
}

func mirrorList(list, source reflect.Value) {
	for j := range source.Len() {
		from := source.Index(j)
		if inner := innerTopics(list, from); inner.IsValid() {
			mirrorList(list, inner)
			continue
		}
		e := newElement(list.Type().Elem())
		identify(e, from)
		if from.Kind() == reflect.Struct {
			mirror(e, from)
		}
		list.Set(reflect.Append(list, e))
	}
}

// innerTopics returns the topics of a directory: AlterReplicaLogDirs asks by
// directory and is answered by topic.
func innerTopics(list, from reflect.Value) reflect.Value {
	if from.Kind() != reflect.Struct || !from.FieldByName("Dir").IsValid() || fieldOf(list.Type().Elem(), "Dir") >= 0 {
		return reflect.Value{}
	}
	return from.FieldByName("Topics")
}

// newElement returns a struct of kmsg's with its defaults.
func newElement(t reflect.Type) reflect.Value {
	p := reflect.New(t)
	if d, ok := p.Interface().(interface{ Default() }); ok {
		d.Default()
	}
	return p.Elem()
}

// identities are the fields that say which part of a request an entry of the
// answer is about.
var identities = []string{
	"Topic", "TopicID", "Partition", "Group", "GroupID", "Key", "TransactionalID", "ProducerID", "MemberID",
	"InstanceID", "ResourceType", "ResourceName", "User", "Feature", "Type", "Name",
}

// identify copies into e what names the part of the request that it answers.
func identify(e, from reflect.Value) {
	for i := range e.NumField() {
		name := e.Type().Field(i).Name
		if !slices.Contains(identities, name) {
			continue
		}
		switch from.Kind() {
		case reflect.Struct:
			source := from.FieldByName(name)
			if !source.IsValid() && name == "User" {
				source = from.FieldByName("Name")
			}
			if source.IsValid() {
				assign(e.Field(i), source)
			}
		default: // a name or a number alone
			assign(e.Field(i), from)
		}
	}
}

// assign sets dst to src, where one may be a string and the other point to
// one. Kinds that do not go together are left alone.
func assign(dst, src reflect.Value) {
	if src.Kind() == reflect.Pointer && dst.Kind() != reflect.Pointer {
		if src.IsNil() {
			return
		}
		src = src.Elem()
	}
	switch {
	case src.Type() == dst.Type():
		dst.Set(src)
	case dst.Kind() == reflect.Pointer && dst.Type().Elem() == src.Type():
		p := reflect.New(src.Type())
		p.Elem().Set(src)
		dst.Set(p)
	}
}

var rooms sync.Map // reflect.Type to bool

// hasRoom reports whether a struct, or one that hangs from it, has an error
// code.
func hasRoom(t reflect.Type) bool {
	if known, ok := rooms.Load(t); ok {
		return known.(bool)
	}
	room := fieldOf(t, "ErrorCode") >= 0
	for i := 0; i < t.NumField() && !room; i++ {
		f := t.Field(i).Type
		room = f.Kind() == reflect.Slice && f.Elem().Kind() == reflect.Struct && hasRoom(f.Elem())
	}
	rooms.Store(t, room)
	return room
}
