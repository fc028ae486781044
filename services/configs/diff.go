package configs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/aymanbagabas/go-udiff"
	"github.com/wI2L/jsondiff"

	"github.com/hotswap/hotswap/models"
)

// Diff is what became different between two versions of a config.
type Diff struct {
	From, To   models.Version
	Equal      bool        // also of values that are not shown
	Masked     bool        // the values are not shown to who asked: neither Operations nor Text say anything
	Operations []Operation // JSON Patch (RFC 6902) that makes To of From
	Text       string      // unified diff of the indented JSON; empty when they are equal
}

// Operation is one step of a JSON Patch.
type Operation struct {
	Op    string       // add, remove or replace
	Path  string       // JSON Pointer (RFC 6901)
	Value models.Value // empty for remove
}

// Diff compares two versions of a config, which may be one. not_found: there is no such config or version.
func (s *Service) Diff(ctx context.Context, configID string, from, to int64) (d Diff, err error) {
	versions, err := s.history(ctx, configID, `IN (?, ?)`, from, to)
	if err != nil {
		return d, err
	}
	if d.From, err = numbered(versions, from); err != nil {
		return Diff{}, err
	}
	if d.To, err = numbered(versions, to); err != nil {
		return Diff{}, err
	}
	d.Equal, d.Masked, d.Operations = models.Same(d.From.Value, d.To.Value), d.From.Masked || d.To.Masked, []Operation{}
	if d.Masked {
		mask(&d.From)
		mask(&d.To)
		return d, nil
	}
	if d.Operations, err = patch(d.From.Value, d.To.Value); err != nil {
		return Diff{}, err
	}
	d.Text, err = unified(d.From, d.To)
	return d, err
}

func numbered(versions []models.Version, number int64) (models.Version, error) {
	i := slices.IndexFunc(versions, func(v models.Version) bool { return v.Number == number })
	if i < 0 {
		return models.Version{}, models.NotFound("version")
	}
	return versions[i], nil
}

// patch makes the steps from one value to the other.
func patch(from, to models.Value) ([]Operation, error) {
	steps, err := jsondiff.CompareJSON(from.Raw(), to.Raw(), jsondiff.UnmarshalFunc(exactly))
	if err != nil {
		return nil, fmt.Errorf("compare values: %w", err)
	}
	out := make([]Operation, len(steps))
	for i, step := range steps {
		out[i] = Operation{Op: step.Type, Path: step.Path}
		if step.Type == jsondiff.OperationRemove {
			continue
		}
		if out[i].Value, err = models.Canonical(step.Value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// exactly decodes without rounding numbers. Those of two values are equal when their canonical texts are.
func exactly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// unified is the difference as people read it, line by line.
func unified(from, to models.Version) (string, error) {
	before, err := lines(from.Value)
	if err != nil {
		return "", err
	}
	after, err := lines(to.Value)
	if err != nil {
		return "", err
	}
	text, err := udiff.ToUnified(label(from), label(to), before, udiff.Lines(before, after), udiff.DefaultContextLines)
	if err != nil {
		return "", fmt.Errorf("compare lines: %w", err)
	}
	return text, nil
}

func label(v models.Version) string { return "version " + strconv.FormatInt(v.Number, 10) }

func lines(v models.Value) (string, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, v.Raw(), "", "  "); err != nil {
		return "", fmt.Errorf("indent a value: %w", err)
	}
	return out.String() + "\n", nil
}
