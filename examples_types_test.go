package sonde_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestExampleOfEachType: every exported type of every public package is named by
// an Example that runs: by ExampleType or ExampleType_way, or in what it does.
func TestExampleOfEachType(t *testing.T) {
	checked := 0
	for _, dir := range publicPackages(t) {
		pkg, err := goPackage(dir)
		if err != nil {
			t.Fatal(err)
		}
		shown := namedInExamples(parseAll(t, dir, slices.Concat(pkg.TestGoFiles, pkg.XTestGoFiles)))
		for _, file := range parseAll(t, dir, pkg.GoFiles) {
			for _, name := range exportedTypes(file) {
				if checked++; !shown[name] {
					t.Errorf("%s: no Example that runs names the type %s", pkg.Name, name)
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("%d types were found, which cannot be all", checked)
	}
}

func parseAll(t *testing.T, dir string, names []string) (files []*ast.File) {
	t.Helper()
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// namedInExamples are the words of all Examples that have an output to compare:
// the others are compiled and never run.
func namedInExamples(tests []*ast.File) map[string]bool {
	words := map[string]bool{}
	for _, e := range doc.Examples(tests...) {
		if e.Output == "" && !e.EmptyOutput {
			continue
		}
		for word := range strings.SplitSeq(e.Name, "_") {
			words[word] = true
		}
		ast.Inspect(e.Code, func(n ast.Node) bool {
			if name, ok := n.(*ast.Ident); ok {
				words[name.Name] = true
			}
			return true
		})
	}
	return words
}

func exportedTypes(file *ast.File) (names []string) {
	for _, decl := range file.Decls {
		general, ok := decl.(*ast.GenDecl)
		if !ok || general.Tok != token.TYPE {
			continue
		}
		for _, spec := range general.Specs {
			if name := spec.(*ast.TypeSpec).Name.Name; ast.IsExported(name) {
				names = append(names, name)
			}
		}
	}
	return names
}
