// Names that are alike but for dots and underscores.

package state

import (
	"slices"
	"strings"
)

// likenesses are the names of topics by what metrics make of them. Names
// without dots and underscores are like no other and are not kept.
type likenesses map[string][]string

// likeness returns what metrics make of a topic's name, in which a dot becomes
// an underscore.
func likeness(name string) string { return strings.ReplaceAll(name, ".", "_") }

func (l likenesses) add(name string) {
	if strings.ContainsAny(name, "._") {
		l[likeness(name)] = append(l[likeness(name)], name)
	}
}

func (l likenesses) remove(name string) {
	like := likeness(name)
	left := slices.DeleteFunc(l[like], func(other string) bool { return other == name })
	if len(left) == 0 {
		delete(l, like)
		return
	}
	l[like] = left
}
