package models_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
)

var (
	digits34 = "1234567890123456789012345678901234"
	zeros    = strings.Repeat("0", 400)
)

var numbers = map[string]struct{ text, want string }{
	"zero":                     {"0", "0"},
	"minus zero":               {"-0", "0"},
	"zero with all":            {"-0.000E+99", "0"},
	"zero of any exponent":     {"0e999999999999999999999999", "0"},
	"one":                      {"1.0", "1"},
	"minus one":                {"-1.00", "-1"},
	"hundred":                  {"1E2", "100"},
	"hundred with plus":        {"1e+2", "100"},
	"hundred with zeros":       {"1e0002", "100"},
	"shifted down":             {"1200e-2", "12"},
	"shifted to a fraction":    {"1234e-2", "12.34"},
	"fraction":                 {"0.10", "0.1"},
	"fraction from exponent":   {"5e-1", "0.5"},
	"beyond a double":          {"9007199254740993", "9007199254740993"},
	"64 bits":                  {"18446744073709551615", "18446744073709551615"},
	"small decimals":           {"0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"},
	"34 digits":                {digits34, "1.234567890123456789012345678901234e33"},
	"34 digits, point inside":  {digits34[:10] + "." + digits34[10:], digits34[:10] + "." + digits34[10:]},
	"34 digits, zeros around":  {"0." + "00000" + digits34 + zeros, "0.00000" + digits34},
	"21 digits":                {"123456789012345678901", "123456789012345678901"},
	"22 digits":                {"1234567890123456789012", "1.234567890123456789012e21"},
	"largest plain":            {"1e20", "100000000000000000000"},
	"smallest large":           {"1e21", "1e21"},
	"large by zeros":           {"1000000000000000000000", "1e21"},
	"large with fraction":      {"123456789012345678901.5", "123456789012345678901.5"},
	"larger with fraction":     {"1234567890123456789012.5", "1.2345678901234567890125e21"},
	"smallest plain":           {"0.0000001", "0.0000001"},
	"smallest plain, exponent": {"1.25e-7", "0.000000125"},
	"largest small":            {"0.00000001", "1e-8"},
	"small with digits":        {"-0.0000000123", "-1.23e-8"},
	"largest":                  {"9.99e308", "9.99e308"},
	"largest by exponent":      {"0.1e309", "1e308"},
	"largest by zeros":         {"1" + strings.Repeat("0", 308), "1e308"},
	"smallest":                 {"1e-308", "1e-308"},
	"smallest by exponent":     {"10e-309", "1e-308"},
	"zeros against exponent":   {"1" + zeros + "e-400", "1"},
	"exponent against zeros":   {"0." + zeros + "1e401", "1"},
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for name, tt := range numbers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := models.ParseValue([]byte(tt.text))
			if err != nil || string(got) != tt.want {
				t.Errorf("ParseValue(%s) = %s, %v, want %s", tt.text, got, err, tt.want)
			}
		})
	}
}

func TestNumbersBeyondTheRange(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"1e400", "1e309", "-1e309", "10e308", "1e-309", "0.1e-308", "1e999999999999999999999999999", "1e-99999999999999999999",
		"1e4294967297", "1e18446744073709551617", // 1e1 if the exponent wrapped
		digits34 + "5", "0." + digits34 + "5", "1" + zeros + "1", "1" + strings.Repeat("0", 309),
	} {
		_, err := models.ParseValue([]byte(`{"n":` + text + `}`))
		if got := problemOf(err); got != invalid("/n") {
			t.Errorf("ParseValue(%s): %+v, want invalid at /n", text, got)
		}
	}
}
