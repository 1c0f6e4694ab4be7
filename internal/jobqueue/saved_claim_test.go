package jobqueue

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryFieldOfAClaimIsCompared: a field that same leaves out would not be saved when it alone
// changes.
func TestEveryFieldOfAClaimIsCompared(t *testing.T) {
	kind := reflect.TypeFor[savedClaim]()
	for i := range kind.NumField() {
		var a, b savedClaim
		require.True(t, a.same(&b))
		field := reflect.ValueOf(&b).Elem().Field(i)
		switch field.Kind() {
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		case reflect.String:
			field.SetString("x")
		case reflect.Int64:
			field.SetInt(1)
		default:
			require.Fail(t, "no other value is known", "%s is a %s", kind.Field(i).Name, field.Kind())
		}
		require.False(t, a.same(&b), kind.Field(i).Name)
	}
}
