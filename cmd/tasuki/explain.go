package main

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// ConfigCmd is `tasuki config`.
type ConfigCmd struct {
	Explain ExplainCmd `cmd:"" help:"Print every setting with its meaning, default, present value and where that came from; the output is a configuration file."`
}

// ExplainCmd is `tasuki config explain`.
type ExplainCmd struct{}

//go:embed config.go
var configSource string

// Run prints the settings as a TOML file whose comments are the comments of config.go.
func (c *ExplainCmd) Run(p *Program, s *Settings) error {
	docs := configDocs()
	defaults := defaultConfig()
	base := fields(reflect.ValueOf(&defaults).Elem(), "")
	section := ""
	for i, f := range fields(reflect.ValueOf(&s.Config).Elem(), "") {
		key := f.key
		if table, name, ok := strings.Cut(f.key, "."); ok {
			key = name
			if table != section {
				section = table
				fmt.Fprintf(p.Stdout, "%s[%s]\n\n", comment(docs["Config."+table]), table)
			}
		}
		from := s.From[f.key]
		if from == "" {
			from = "default"
		}
		fmt.Fprint(p.Stdout, comment(docs[f.name]))
		fmt.Fprintf(p.Stdout, "# default: %s — from: %s\n", literal(base[i].value), from)
		value := f.value
		if f.key == "store" {
			value = reflect.ValueOf(hidden(value.String()))
		}
		// A value that only repeats the default is commented out, so that the printed file does not freeze defaults.
		off := ""
		if from == "default" {
			off = "# "
		}
		fmt.Fprintf(p.Stdout, "%s%s = %s\n\n", off, key, literal(value))
	}
	return nil
}

// configDocs reads the field comments of config.go, by "Type.Field", and by "Config.table" for the tables. It panics when the
// source does not parse, since the same source was compiled.
func configDocs() map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", configSource, parser.ParseComments)
	if err != nil {
		panic(err)
	}
	docs := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		record, ok := spec.Type.(*ast.StructType)
		if !ok {
			return true
		}
		for _, f := range record.Fields.List {
			if !f.Names[0].IsExported() {
				continue
			}
			docs[spec.Name.Name+"."+f.Names[0].Name] = strings.TrimSpace(f.Doc.Text())
			if tag, err := strconv.Unquote(f.Tag.Value); err == nil {
				docs[spec.Name.Name+"."+reflect.StructTag(tag).Get("toml")] = strings.TrimSpace(f.Doc.Text())
			}
		}
		return true
	})
	return docs
}

func comment(text string) string {
	if text == "" {
		return ""
	}
	return "# " + strings.ReplaceAll(text, "\n", "\n# ") + "\n"
}

// literal is a value as TOML writes it.
func literal(v reflect.Value) string {
	if v.Kind() == reflect.Slice && v.Len() == 0 {
		return "[]"
	}
	out, err := toml.Marshal(map[string]any{"v": v.Interface()})
	if err != nil {
		return fmt.Sprintf("%q", fmt.Sprint(v.Interface()))
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "v = ")
}
