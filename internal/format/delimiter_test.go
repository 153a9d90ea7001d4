package format

import "testing"

func TestDelimiterDoesNotOccurInTheValue(t *testing.T) {
	words := []string{"one", "two", "three"}
	random := func() string {
		w := words[0]
		words = words[1:]
		return w
	}
	if got := delimiter("a\nskret_one\nxskret_twoy", random); got != "skret_three" {
		t.Errorf("%q", got)
	}
}
