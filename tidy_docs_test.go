// The checks of documentation: of what is exported, and of each package.

package rehearse_test

import (
	"go/ast"
	"maps"
	"path"
	"slices"
	"strings"
)

// checkDocs wants a comment at every exported type, function, constant,
// variable and method of an exported type, and at every exported field of an
// exported Config, where the default and its reason belong. A constant or
// variable may share the comment of its group. Methods of interfaces and
// other fields may be told of by the comment of their type.
func checkDocs(s *source, r report) {
	if s.isTest() || s.generated() {
		return
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && receiverIsExported(d) {
				r(d.Pos(), "%s is exported: say what it promises", d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				checkSpec(spec, d.Doc != nil, r)
			}
		}
	}
}

func checkSpec(spec ast.Spec, groupHasDoc bool, r report) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if !spec.Name.IsExported() {
			return
		}
		if spec.Doc == nil && !groupHasDoc {
			r(spec.Pos(), "%s is exported: say what it is", spec.Name.Name)
		}
		if st, ok := spec.Type.(*ast.StructType); ok && strings.HasSuffix(spec.Name.Name, "Config") {
			checkConfig(spec.Name.Name, st, r)
		}
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			if name.IsExported() && spec.Doc == nil && spec.Comment == nil && !groupHasDoc {
				r(name.Pos(), "%s is exported: say what it means", name.Name)
			}
		}
	}
}

func checkConfig(name string, st *ast.StructType, r report) {
	for _, f := range st.Fields.List {
		for _, field := range f.Names {
			if field.IsExported() && f.Doc == nil && f.Comment == nil {
				r(field.Pos(), "%s.%s: say its default and the reason for it", name, field.Name)
			}
		}
	}
}

func receiverIsExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

// packageDocs wants the documentation of each package in exactly one file. A
// directory that holds only tests needs none.
func packageDocs(sources []*source) (found []finding) {
	files := map[string][]*source{}
	docs := map[string][]*source{}
	for _, s := range sources {
		if s.file == nil || s.isTest() {
			continue
		}
		dir := path.Dir(s.path)
		files[dir] = append(files[dir], s)
		if s.file.Doc != nil {
			docs[dir] = append(docs[dir], s)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(files)) {
		if len(docs[dir]) == 0 {
			s := files[dir][0]
			found = append(found, s.finding(s.file.Package, "the package has no documentation: begin doc.go with it"))
		}
		for _, s := range docs[dir][min(1, len(docs[dir])):] {
			found = append(found, s.finding(s.file.Package, "the package has its documentation in "+docs[dir][0].path))
		}
	}
	return found
}
