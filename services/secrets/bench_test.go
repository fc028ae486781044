package secrets_test

import (
	"testing"

	"github.com/hotswap/hotswap/models"
)

func BenchmarkSeal(b *testing.B) {
	h := newHouse(b)
	sealed(b, h.Service, "acme", "a", canary)
	secret := models.NewSecret(canary)
	for b.Loop() {
		if _, _, err := h.Seal("acme", "a", secret); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	h := newHouse(b)
	text, row := sealed(b, h.Service, "acme", "a", canary)
	for b.Loop() {
		if _, err := h.Open("acme", "a", text, row.Ciphertext); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReady is the way of a data key from the database into memory, with a master key on this machine.
func BenchmarkReady(b *testing.B) {
	h := newHouse(b)
	sealed(b, h.Service, "acme", "a", canary)
	for b.Loop() {
		h.Forget("acme")
		if err := h.Ready(b.Context(), "acme"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRotate is a rotation of a data key that sealed a hundred values.
func BenchmarkRotate(b *testing.B) {
	h := newHouse(b)
	values := make([]models.Value, 100)
	for i := range values {
		values[i] = canary
	}
	h.keep(b, h.Service, "acme", "a", values...)
	for b.Loop() {
		if _, err := h.Rotate(admin(b), "acme"); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		h.longAgo(b, "acme")
		b.StartTimer()
	}
}
