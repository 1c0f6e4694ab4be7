package facefusionreceiver

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// explain says of each key and value that cannot be read which it is and what would do, where the
// Collector says "” has invalid keys" or names a type of Go. It returns nil where it finds nothing
// to say. Maps and structs of others are left to them. path is what the keys are below.
func explain(raw map[string]any, into any, path string) error {
	var errs []error
	explainStruct(raw, reflect.TypeOf(into).Elem(), path, &errs)
	return errors.Join(errs...)
}

var durationType = reflect.TypeFor[time.Duration]()

func explainStruct(raw map[string]any, t reflect.Type, path string, errs *[]error) {
	fields := fieldsOf(t)
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		field, known := fields[key]
		if !known {
			*errs = append(*errs, unknownKey(path, key, slices.Sorted(maps.Keys(fields))))
			continue
		}
		explainValue(raw[key], field, path+key, errs)
	}
}

// explainValue looks at one value that a key has.
func explainValue(value any, t reflect.Type, at string, errs *[]error) {
	wrong := func(want string) { *errs = append(*errs, fmt.Errorf("%s is %s: give %s", at, shown(value), want)) }
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if value == nil {
		return // an empty section
	}
	switch _, isMap := value.(map[string]any); {
	case t == durationType:
		text, isText := value.(string)
		if _, err := time.ParseDuration(text); isText && err != nil || !isText && reflect.TypeOf(value).Kind() != reflect.Int {
			wrong("a time with its unit, like 500ms, 15s or 5m")
		}
	case t.Kind() == reflect.Bool:
		if _, is := value.(bool); !is {
			wrong("true or false")
		}
	case t.Kind() == reflect.Struct && isOurs(t):
		if !isMap {
			wrong("settings below it, indented")
			return
		}
		explainStruct(value.(map[string]any), t, at+": ", errs)
	case t.Kind() == reflect.Slice:
		list, isList := value.([]any)
		if !isList {
			wrong("a list: one line for each, with a dash")
			return
		}
		for i, entry := range list {
			explainValue(entry, t.Elem(), fmt.Sprintf("%s[%d]", at, i), errs)
		}
	case t.Kind() == reflect.String:
		if _, isNumber := value.(int); isNumber && strings.HasSuffix(at, "match: user") {
			return // see MatchConfig.Unmarshal
		}
		explainText(value, wrong)
	case t.Kind() == reflect.Float64 || t.Kind() == reflect.Int:
		if kind := reflect.TypeOf(value).Kind(); kind != reflect.Int && (kind != reflect.Float64 || t.Kind() == reflect.Int) {
			wrong("a number")
		}
	}
}

// explainText speaks of what YAML takes for something else unless it has quotes.
func explainText(value any, wrong func(want string)) {
	switch value.(type) {
	case string:
	case []any, map[string]any:
		wrong("a text")
	default:
		wrong(fmt.Sprintf("a text, in quotes: \"%v\"", value))
	}
}

// isOurs says that a struct is one of this repository, whose keys are its fields.
func isOurs(t reflect.Type) bool {
	return strings.HasPrefix(t.PkgPath(), reflect.TypeFor[Config]().PkgPath())
}

// fieldsOf are the keys of a struct, those of squashed structs included.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type)
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("mapstructure"), ",")
		switch {
		case strings.Contains(options, "squash"):
			maps.Copy(fields, fieldsOf(f.Type))
		case name != "" && name != "-":
			fields[name] = f.Type
		}
	}
	return fields
}

// shown is a value as an error shows it, in one short line.
func shown(value any) string {
	text := fmt.Sprintf("%v", value)
	if _, is := value.(string); is {
		text = fmt.Sprintf("%q", value)
	}
	if len(text) > 60 {
		text = text[:57] + "..."
	}
	return text
}
