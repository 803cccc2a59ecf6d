package sonde

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// theirs are the fields of net/http's default transport, before its first use
// changes some.
var theirs = func() map[string]string {
	v, fields := reflect.ValueOf(http.DefaultTransport).Elem(), map[string]string{}
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() {
			fields[f.Name] = said(f.Name, v.Field(i))
		}
	}
	return fields
}()

// TestDefaultsDocument reads the table of docs/defaults.md back: sonde's side
// from the effective Config, net/http's from the fields of its DefaultTransport.
func TestDefaultsDocument(t *testing.T) {
	text, err := os.ReadFile("docs/defaults.md")
	if err != nil {
		t.Fatal(err)
	}
	full, err := effective(Config{})
	if err != nil {
		t.Fatal(err)
	}
	ours := reflect.ValueOf(full)
	row := regexp.MustCompile("(?m)^\\| `([A-Za-z.]+)` \\| ([^|]+) \\| ([^|]+) \\| [^|]+ \\|$")
	field := regexp.MustCompile("^(.*?) \\(`([A-Za-z]+)`\\)")
	var rows []string
	read := 0
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		name, our, their := m[1], m[2], m[3]
		rows = append(rows, name)
		if want := said(name, at(ours, name)); our != want {
			t.Errorf("%s: the table says %q, the code %q", name, our, want)
		}
		if f := field.FindStringSubmatch(their); f != nil {
			read++
			if want := theirs[f[2]]; f[1] != want {
				t.Errorf("%s: the table says %q of net/http, its %s %q", name, f[1], f[2], want)
			}
		}
	}
	if read < 7 {
		t.Errorf("%d fields of net/http's were read back", read)
	}
	want := settingNames(reflect.TypeFor[Config](), "")
	slices.Sort(rows)
	slices.Sort(want)
	if !slices.Equal(rows, want) {
		t.Errorf("the table has\n%v\nConfig has\n%v", rows, want)
	}
}

// settingNames are the names of all fields of a Config, those of its structs apart.
func settingNames(t reflect.Type, prefix string) (names []string) {
	for f := range t.Fields() {
		if !f.IsExported() {
			continue
		}
		if f.Type.Kind() == reflect.Struct && f.Type.PkgPath() == t.PkgPath() && f.Type.NumField() > 0 && f.Type.Field(0).IsExported() {
			names = append(names, settingNames(f.Type, f.Name+".")...)
		} else {
			names = append(names, prefix+f.Name)
		}
	}
	return names
}

func at(v reflect.Value, path string) reflect.Value {
	for name := range strings.SplitSeq(path, ".") {
		if v = v.FieldByName(name); !v.IsValid() {
			return v
		}
	}
	return v
}

// said is a value in the words of the table.
func said(name string, v reflect.Value) string {
	if !v.IsValid() {
		return "no such field"
	}
	switch x := v.Interface().(type) {
	case ProxyChoice:
		if x.rule() == nil {
			return "from the environment"
		}
	case []Status:
		if len(x) == 0 {
			return "none"
		}
		return strings.Trim(strings.ReplaceAll(fmt.Sprintf("%d", x), " ", ", "), "[]")
	case time.Duration:
		switch {
		case x == 0:
			return "none"
		case x >= 2*time.Minute:
			return strconv.FormatFloat(x.Minutes(), 'g', -1, 64) + " min"
		case x >= time.Second:
			return strconv.FormatFloat(x.Seconds(), 'g', -1, 64) + " s"
		}
		return strconv.FormatFloat(x.Seconds()*1000, 'g', -1, 64) + " ms"
	case Protocols:
		if x == HTTP1 {
			return "http/1.1"
		}
	case string:
		if x != "" {
			return strings.Replace(x, Version, "version", 1)
		}
		return "none"
	}
	switch {
	case strings.HasPrefix(name, "Pool.MaxIdle") && v.Int() == int64(min(descriptorLimit()/4, 4096)):
		return map[string]string{
			"Pool.MaxIdle": "a quarter of RLIMIT_NOFILE, at most 4,096", "Pool.MaxIdlePerOrigin": "as `MaxIdle`",
		}[name]
	case name == "KeepAlive":
		k := full(v)
		return fmt.Sprintf("after %s, every %s", said("", reflect.ValueOf(k.Idle)), said("", reflect.ValueOf(k.Interval)))
	case v.IsZero():
		return "none"
	case v.CanInt():
		return count(name, v.Int())
	}
	return fmt.Sprint(v)
}

func full(v reflect.Value) (k struct{ Idle, Interval time.Duration }) {
	k.Idle, k.Interval = v.FieldByName("Idle").Interface().(time.Duration), v.FieldByName("Interval").Interface().(time.Duration)
	return k
}

// count is a number of bytes or of anything else.
func count(name string, n int64) string {
	bytes := strings.HasPrefix(name, "Limits.") && name != "Limits.Fields" && name != "Limits.Informational"
	switch {
	case bytes && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case bytes && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	case n >= 1000:
		return fmt.Sprintf("%d,%03d", n/1000, n%1000)
	}
	return strconv.FormatInt(n, 10)
}

// TestDefaultsBounds: 0 is the default and a negative value no bound, for every
// setting that is a number.
func TestDefaultsBounds(t *testing.T) {
	for _, name := range settingNames(reflect.TypeFor[Config](), "") {
		var cfg Config
		f := at(reflect.ValueOf(&cfg).Elem(), name)
		if !f.CanInt() {
			continue
		}
		for _, n := range []int64{-1, 7} {
			f.SetInt(n)
			full, err := effective(cfg)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got, want := at(reflect.ValueOf(full), name).Int(), max(n, 0)
			if n < 0 && (name == "Limits.Head" || name == "Limits.Fields") {
				want = 1<<31 - 1 // what offsets in a head can count
			}
			if got != want {
				t.Errorf("%s = %d: %d, want %d", name, n, got, want)
			}
		}
	}
}

// TestDefaultsCheck: what is wrong is said with the name of its field.
func TestDefaultsCheck(t *testing.T) {
	var codec Header
	codec.Set("host", "a")
	h := func(context.Context, *Request) (*Exchange, error) { return nil, nil }
	big := int64(1) << 40 // no constant: it does not fit the int of 32-bit systems
	for _, tt := range []struct {
		name string
		cfg  Config
	}{
		{"Protocols", Config{Protocols: 128}},
		{"UserAgent", Config{UserAgent: "a\nb"}},
		{"Header", Config{Header: codec}},
		{"Accept", Config{Accept: []Status{42}}},
		{"Middleware", Config{Middleware: []Middleware{nil}}},
		{"Schemes", Config{Schemes: map[string]Handler{"mem": nil}}},
		{"Schemes", Config{Schemes: map[string]Handler{"http": h}}},
		{"Schemes", Config{Schemes: map[string]Handler{"Mem": h}}},
		{"Limits.Head", Config{Limits: Limits{Head: int(big)}}},
	} {
		if _, err := New(tt.cfg); err == nil || !strings.HasPrefix(err.Error(), "sonde: Config."+tt.name+":") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
