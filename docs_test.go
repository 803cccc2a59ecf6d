package sonde_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNamedTests: every test that a document names exists.
func TestNamedTests(t *testing.T) {
	exists := map[string]bool{}
	for path, file := range testFiles(t) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				exists[f.Name.Name] = true
			}
		}
		if len(file.Decls) == 0 {
			t.Error("no declarations in", path)
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz|Example|Benchmark)[A-Z][A-Za-z0-9_]*)[/`]")
	n := 0
	for _, doc := range documents(t) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllSubmatch(text, -1) {
			if n++; !exists[string(m[1])] {
				t.Errorf("%s names %s, which does not exist", doc, m[1])
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d names were found: does the pattern fit?", n)
	}
}

// documents are the Markdown files of the repository.
func documents(t *testing.T) []string {
	docs, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	return append(docs, top...)
}

// testFiles are all test files of the module, parsed.
func testFiles(t *testing.T) map[string]*ast.File {
	files := map[string]*ast.File{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, "_test.go") {
			if files[path], err = parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution|parser.ParseComments); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestNamedFiles: every file and folder that a document links to, or names as a
// path, exists.
func TestNamedFiles(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:,\s]+)\)`)
	path := regexp.MustCompile("`((?:internal|docs|trace|sfv|lab|sockets|capture|har|otel|cmd|examples|testdata|bench|\\.ci)/[A-Za-z0-9_./-]*|[a-z0-9_]+\\.(?:go|md))`")
	bases := fileNames(t) // a page about one package leaves its path out
	fenced := regexp.MustCompile("(?s)```.*?```")
	n := 0
	for _, doc := range documents(t) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		text = fenced.ReplaceAll(text, nil)
		for _, m := range link.FindAllSubmatch(text, -1) {
			n++
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), string(m[1]))); err != nil {
				t.Errorf("%s links to %s, which does not exist", doc, m[1])
			}
		}
		for _, m := range path.FindAllSubmatch(text, -1) {
			n++
			if _, err := os.Stat(string(m[1])); err != nil && !bases[string(m[1])] {
				t.Errorf("%s names %s, which does not exist", doc, m[1])
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d names were found: do the patterns fit?", n)
	}
}

// fileNames are the names of all files, without their folders.
func fileNames(t *testing.T) map[string]bool {
	names := map[string]bool{}
	err := filepath.WalkDir(".", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".git" { // a file, in a linked work tree
			return filepath.SkipDir
		}
		if err == nil && !d.IsDir() {
			names[d.Name()] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestReadmeCode: the program in README.md compiles, and is as short as it says.
func TestReadmeCode(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(text), "```go\n")
	code, _, found := strings.Cut(code, "```\n")
	if n := strings.Count(code, "\n"); !found || n > 15 {
		t.Errorf("%d lines", n)
	}
	for _, command := range []string{"\n    go run ./cmd/sonde lab\n", "\n    go test ./...\n"} {
		if !strings.Contains(string(text), command) {
			t.Errorf("no command %q", strings.TrimSpace(command))
		}
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "vet", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestNamedFuncs: where a document names a func, method or type beside a file,
// it is in that file.
func TestNamedFuncs(t *testing.T) {
	pair := regexp.MustCompile("`([a-z0-9_/]+\\.go)` `([A-Za-z.]+)`")
	n := 0
	for _, doc := range documents(t) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pair.FindAllSubmatch(text, -1) {
			n++
			if !declares(t, string(m[1]), string(m[2])) {
				t.Errorf("%s: %s is not in %s", doc, m[2], m[1])
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d names were found: does the pattern fit?", n)
	}
}

// declares reports whether the file has the type or func, or method Type.Method.
func declares(t *testing.T, path, name string) bool {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			own := d.Name.Name
			if d.Recv != nil {
				own = receiver(d) + "." + own
			}
			if own == name {
				return true
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if ts, ok := s.(*ast.TypeSpec); ok && ts.Name.Name == name {
					return true
				}
			}
		}
	}
	return false
}
