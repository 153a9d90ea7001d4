package skret_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/skret/skret"
)

// TestNoInternalTypeIsNeeded: whoever imports the package from another module
// can name every type that it takes and gives.
func TestNoInternalTypeIsNeeded(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var look func(ty reflect.Type, from string)
	look = func(ty reflect.Type, from string) {
		if seen[ty] {
			return
		}
		seen[ty] = true
		if strings.Contains(ty.PkgPath(), "/internal/") {
			t.Errorf("%s is in %s", ty, from)
		}
		ours := strings.HasPrefix(ty.PkgPath(), "github.com/skret/")
		switch ty.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Array, reflect.Chan:
			look(ty.Elem(), from)
		case reflect.Func:
			for in := range ty.Ins() {
				look(in, from)
			}
			for out := range ty.Outs() {
				look(out, from)
			}
		case reflect.Struct:
			for f := range ty.Fields() {
				if ours && f.IsExported() {
					look(f.Type, ty.String()+"."+f.Name)
				}
			}
		}
		if ty.Kind() != reflect.Interface {
			for _, ty := range []reflect.Type{ty, reflect.PointerTo(ty)} {
				for method := range ty.Methods() {
					if ours {
						look(method.Type, ty.String()+"."+method.Name)
					}
				}
			}
		}
	}
	for name, f := range map[string]any{"Open": skret.Open, "KindOf": skret.KindOf, "HintOf": skret.HintOf, "CreateOnly": skret.CreateOnly} {
		look(reflect.TypeOf(f), name)
	}
	if !seen[reflect.TypeFor[*skret.Client]()] || !seen[reflect.TypeFor[skret.SetOptions]()] {
		t.Error("the methods of Client were not looked at")
	}
}
