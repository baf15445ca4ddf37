// A configuration by its fields: how each is set from text, checked and laid over another.

package main

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// keysOf returns the keys of a struct, in order.
func keysOf(t reflect.Type) (keys []string) {
	for f := range fieldsOf(t) {
		keys = append(keys, f.Tag.Get("yaml"))
	}
	return keys
}

// fieldsOf yields the fields of a struct that have keys.
func fieldsOf(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for _, f := range reflect.VisibleFields(t) {
			if f.Tag.Get("yaml") != "" && !yield(f) {
				return
			}
		}
	}
}

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for f := range fieldsOf(t) {
		if f.Tag.Get("yaml") == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// flagOf returns the names of a field's flag, the long one and the letter, if
// it has them.
func flagOf(f reflect.StructField) (name, letter string) {
	name, letter, _ = strings.Cut(f.Tag.Get("flag"), ",")
	return name, letter
}

// addFieldFlags gives the command a flag for each field that names one, with
// what docs tell of its key.
func addFieldFlags(c *cobra.Command, v reflect.Value, docs map[string]string) {
	addFlagsBeneath(c, v, docs, "")
	c.SetUsageTemplate(strings.ReplaceAll(c.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 100"))
}

func addFlagsBeneath(c *cobra.Command, v reflect.Value, docs map[string]string, prefix string) {
	for f := range fieldsOf(v.Type()) {
		path := prefix + f.Tag.Get("yaml")
		name, letter := flagOf(f)
		if f.Type.Kind() == reflect.Struct {
			addFlagsBeneath(c, v.FieldByIndex(f.Index), docs, path+".")
			continue
		}
		if name == "" {
			continue
		}
		value := &fieldFlag{f, v.FieldByIndex(f.Index), f.Tag.Get("key")}
		flag := c.Flags().VarPF(value, name, letter, docs[path])
		if value.Type() == "bool" {
			flag.NoOptDefVal = "true"
		}
	}
}

// isScalar holds for what one word can say.
func isScalar(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Uint64:
		return true
	}
	return false
}

// setText sets a value from one word. Lists and maps are not words; see
// addText.
func setText(v reflect.Value, text string) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if reader, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return reader.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no whole number", text)
		}
		v.SetInt(n)
	case reflect.Uint64:
		n, err := strconv.ParseUint(text, 0, 64)
		if err != nil {
			return fmt.Errorf("%q is no whole number of 0 or more", text)
		}
		v.SetUint(n)
	}
	return nil
}

// addText adds to a list or map what a flag says: NAME:VALUE where key is ":".
func addText(v reflect.Value, text, key string) error {
	element := reflect.New(v.Type().Elem()).Elem()
	if v.Kind() == reflect.Slice {
		if err := setText(element, text); err != nil {
			return err
		}
		v.Set(reflect.Append(v, element))
		return nil
	}
	name, value, parted := strings.Cut(text, key)
	switch {
	case name == "":
		return fmt.Errorf("%q has nothing before its %q", text, key)
	case !parted && element.Kind() != reflect.Struct:
		return fmt.Errorf("%q has no %q; want NAME%[2]sVALUE", text, key)
	}
	if err := setText(element, value); err != nil {
		return err
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	v.SetMapIndex(reflect.ValueOf(name), element)
	return nil
}

// inRange holds a number against its field's min and max.
func inRange(f reflect.StructField, v reflect.Value) error {
	if v.Kind() != reflect.Int || f.Tag.Get("max") == "" {
		return nil
	}
	least, _ := strconv.ParseInt(f.Tag.Get("min"), 10, 64) // 0 without one
	most, err := strconv.ParseInt(f.Tag.Get("max"), 10, 64)
	if err != nil {
		return err
	}
	if n := v.Int(); n < least || n > most {
		return fmt.Errorf("%d is not possible; want %d to %d", n, least, most)
	}
	return nil
}

// overlay lays what is given in over above what is in under: maps are joined,
// everything else is replaced.
func overlay(under, over reflect.Value) {
	for i := range over.NumField() {
		u, o := under.Field(i), over.Field(i)
		switch {
		case o.IsZero():
			continue
		case o.Kind() == reflect.Struct:
			overlay(u, o)
		case o.Kind() == reflect.Map && !u.IsNil():
			for entry := o.MapRange(); entry.Next(); {
				u.SetMapIndex(entry.Key(), entry.Value())
			}
		default:
			u.Set(o)
		}
	}
}

// wanted says what a value of a type looks like in a file.
func wanted(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if c, ok := reflect.Zero(t).Interface().(choice); ok {
		return orList(c.allowed())
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Struct:
		if keysOf(t) == nil {
			return "the text of a rule"
		}
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Uint64:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	case reflect.Map:
		return "keys with values"
	}
	return "the keys " + strings.Join(keysOf(t), ", ")
}

// A fieldFlag sets a field from the command line.
type fieldFlag struct {
	field reflect.StructField
	value reflect.Value
	key   string // what parts key and value of a map
}

// String is empty: the defaults stand in the text of the help.
func (f *fieldFlag) String() string { return "" }

// Type names the flag's value in the help.
func (f *fieldFlag) Type() string {
	t := f.field.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Bool:
		return "bool"
	case f.field.Tag.Get("arg") != "":
		return f.field.Tag.Get("arg")
	case t.Kind() == reflect.Int || t.Kind() == reflect.Uint64:
		return "number"
	}
	return "text"
}

// Set reads the flag's value. Lists and maps take it in addition, and several
// words with commas between them where no word can have one.
func (f *fieldFlag) Set(text string) error {
	switch {
	case isScalar(f.value.Type()):
		if err := setText(f.value, text); err != nil {
			return err
		}
		return inRange(f.field, f.value)
	case f.value.Kind() == reflect.Map || f.commasInside():
		return addText(f.value, text, f.key)
	}
	var errs []error
	for word := range strings.SplitSeq(text, ",") {
		errs = append(errs, addText(f.value, strings.TrimSpace(word), f.key))
	}
	return errors.Join(errs...)
}

// commasInside holds for lists whose words may have commas in them.
func (f *fieldFlag) commasInside() bool { return f.field.Tag.Get("commas") == "inside" }
