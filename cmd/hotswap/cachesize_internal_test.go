package main

import "testing"

func TestCacheSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"256MiB": 256 << 20, "16MiB": 16 << 20, "4GiB": 4 << 30, "1024GiB": 1 << 40,
		"": 0, "256": 0, "MiB": 0, "15MiB": 0, "1025GiB": 0, "-1GiB": 0, "1.5GiB": 0, "256MB": 0, "256 MiB": 0, "99999999999999999999GiB": 0,
	} {
		got, err := readCacheSize("X", text)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
