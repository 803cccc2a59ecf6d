package sonde_test

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/api.txt anew")

// TestAPI compares the public API of all packages with testdata/api.txt: what is
// added, changed or removed there was meant. "go test -run TestAPI -update ."
// writes it anew; CHANGELOG.md says why.
func TestAPI(t *testing.T) {
	var lines []string
	for _, dir := range publicPackages(t) {
		lines = append(lines, apiOf(t, dir)...)
	}
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile("testdata/api.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	file, err := os.ReadFile("testdata/api.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(string(file), "\n"), "\n")
	for _, l := range lines {
		if !slices.Contains(want, l) {
			t.Error("new:  ", l)
		}
	}
	for _, l := range want {
		if !slices.Contains(lines, l) {
			t.Error("gone: ", l)
		}
	}
	if !t.Failed() && got != string(file) {
		t.Error("the lines are in another order")
	}
}

// publicPackages are the folders of packages that other modules can import.
func publicPackages(t *testing.T) (dirs []string) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		switch name := d.Name(); {
		case path == ".":
		case strings.HasPrefix(name, "."), name == "internal", name == "testdata", name == "examples", name == "cmd":
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != "." {
			return filepath.SkipDir // a module of its own
		}
		var none *build.NoGoError
		pkg, err := goPackage(path)
		switch {
		case errors.As(err, &none):
		case err != nil:
			return err
		case pkg.Name != "main":
			dirs = append(dirs, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// goPackage is what is built of a folder on Linux, wherever the test runs.
func goPackage(dir string) (*build.Package, error) {
	c := build.Default
	c.GOOS, c.GOARCH, c.CgoEnabled = "linux", "amd64", false
	return c.ImportDir(dir, 0)
}

// api collects the lines of one package.
type api struct {
	t      *testing.T
	fset   *token.FileSet
	prefix string
	files  []*ast.File
	lines  []string
}

func apiOf(t *testing.T, dir string) []string {
	a := &api{t: t, fset: token.NewFileSet(), prefix: filepath.ToSlash(filepath.Join("sonde", dir)) + ": "}
	a.parse(dir)
	values := a.constants()
	for _, f := range a.files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				a.function(d, "")
			case *ast.GenDecl:
				a.general(f, d, values)
			}
		}
	}
	slices.Sort(a.lines)
	return a.lines
}

func (a *api) parse(dir string) {
	pkg, err := goPackage(dir)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, name := range pkg.GoFiles {
		f, err := parser.ParseFile(a.fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			a.t.Fatal(err)
		}
		a.files = append(a.files, f)
	}
}

// constants are the values of the package's constants, as far as they do not come
// from other packages.
func (a *api) constants() map[string]string {
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: nobody{}, Error: func(error) {}}
	conf.Check(a.prefix, a.fset, a.files, info)
	values := map[string]string{}
	for id, obj := range info.Defs {
		if c, ok := obj.(*types.Const); ok && c.Val().ExactString() != "unknown" {
			values[id.Name] = c.Val().ExactString()
		}
	}
	return values
}

// nobody imports nothing: the package alone is looked at.
type nobody struct{}

func (nobody) Import(string) (*types.Package, error) { return nil, errors.New("not imported") }

func (a *api) add(format string, args ...any) {
	a.lines = append(a.lines, a.prefix+strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " "))
}

func (a *api) text(node any) string {
	var b strings.Builder
	if err := printer.Fprint(&b, a.fset, node); err != nil {
		a.t.Fatal(err)
	}
	return b.String()
}

// function adds a func, or a method of an exported type; as is the name under
// which that type is public, "" for its own.
func (a *api) function(d *ast.FuncDecl, as string) {
	if !d.Name.IsExported() {
		return
	}
	plain := ast.FuncDecl{Recv: d.Recv, Name: d.Name, Type: d.Type}
	if d.Recv == nil {
		a.add("%s", a.text(&plain))
		return
	}
	base := receiver(d)
	if as == "" && !ast.IsExported(base) {
		return
	}
	line := a.text(&plain)
	if as != "" {
		line = strings.Replace(line, base, as, 1)
	}
	a.add("%s", line)
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

func (a *api) general(f *ast.File, d *ast.GenDecl, values map[string]string) {
	var kind ast.Expr // of the constants, said once for a group
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() {
				a.declared(f, s)
			}
		case *ast.ValueSpec:
			if d.Tok == token.CONST && (s.Type != nil || len(s.Values) > 0) {
				kind = s.Type
			} else if d.Tok == token.VAR {
				kind = s.Type
			}
			for i, name := range s.Names {
				if !name.IsExported() {
					continue
				}
				line := d.Tok.String() + " " + name.Name
				if kind != nil {
					line += " " + a.text(kind)
				}
				switch v := values[name.Name]; {
				case d.Tok == token.VAR:
				case v != "":
					line += " = " + v
				case i < len(s.Values):
					line += " = " + a.text(s.Values[i])
				}
				a.add("%s", line)
			}
		}
	}
}

// declared adds a type and what is open in it.
func (a *api) declared(f *ast.File, s *ast.TypeSpec) {
	name := s.Name.Name
	params := ""
	if s.TypeParams != nil {
		params = strings.TrimPrefix(a.text(&ast.FuncType{TypeParams: s.TypeParams, Params: &ast.FieldList{}}), "func")
	}
	switch x := s.Type.(type) {
	case *ast.StructType:
		if s.Assign == 0 {
			a.add("type %s%s struct", name, params)
			a.fields(name, x)
			return
		}
	case *ast.InterfaceType:
		a.add("type %s%s %s", name, params, a.text(x))
		return
	}
	eq := ""
	if s.Assign != 0 {
		eq = "= "
	}
	a.add("type %s%s %s%s", name, params, eq, a.text(s.Type))
	if sel, ok := s.Type.(*ast.SelectorExpr); ok && s.Assign != 0 {
		a.alias(f, name, sel)
	}
}

func (a *api) fields(name string, x *ast.StructType) {
	closed := false
	for _, f := range x.Fields.List {
		if len(f.Names) == 0 {
			a.add("type %s struct, embedded %s", name, a.text(f.Type))
		}
		for _, n := range f.Names {
			if n.IsExported() {
				a.add("type %s struct, field %s %s", name, n.Name, a.text(f.Type))
			} else {
				closed = true
			}
		}
	}
	if closed {
		a.add("type %s struct, and closed fields", name)
	}
}

// alias adds what is open in an internal type that is public by the name name.
func (a *api) alias(f *ast.File, name string, sel *ast.SelectorExpr) {
	for _, imp := range f.Imports {
		path := strings.Trim(imp.Path.Value, `"`)
		dir, internal := strings.CutPrefix(path, "sonde/internal/")
		if !internal || filepath.Base(dir) != a.text(sel.X) {
			continue
		}
		in := &api{t: a.t, fset: a.fset, prefix: a.prefix}
		in.parse(filepath.Join("internal", dir))
		for _, file := range in.files {
			for _, d := range file.Decls {
				in.of(d, sel.Sel.Name, name)
			}
		}
		a.lines = append(a.lines, in.lines...)
	}
}

// of adds what d says of the type base, under the name as.
func (a *api) of(d ast.Decl, base, as string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil && receiver(d) == base {
			a.function(d, as)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			ts, ok := s.(*ast.TypeSpec)
			if !ok || ts.Name.Name != base {
				continue
			}
			if st, ok := ts.Type.(*ast.StructType); ok {
				a.fields(as, st)
			} else {
				a.add("type %s, which is %s", as, a.text(ts.Type))
			}
		}
	}
}
