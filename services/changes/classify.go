package changes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// chains are those of the tenants of changes, in the order of the changes.
type chains [][]string

// secret is a key that a layer calls sensitive.
type secret struct{ Layer, Key string }

// definedSQL names those of the keys that a layer calls sensitive. Keys and layers hold no comma, so they travel as one
// text each.
const definedSQL = `
	SELECT coalesce(json_agg(json_build_object('layer', d.tenant_id, 'key', d.key))::text, '[]')
	FROM definitions d
	WHERE d.sensitive AND d.tenant_id = ANY (string_to_array(@layers, ',')) AND d.key = ANY (string_to_array(@keys, ','))`

// classify marks the items whose key is a secret by today's definitions: those of the change's own layer and of all
// above it. The layers above become readable for the rest of the transaction.
func (all chains) classify(ctx context.Context, list []models.Change) error {
	keys := openKeys(list)
	if len(keys) == 0 {
		return nil
	}
	layers, above := all.layers()
	var text string
	err := store.Send(ctx, store.Above(above), store.Statement{
		SQL:  definedSQL,
		Args: map[string]any{"layers": strings.Join(layers, ","), "keys": strings.Join(keys, ",")},
		Into: []any{&text},
	})
	if err != nil {
		return err
	}
	var found []secret
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return fmt.Errorf("read definitions: %w", err)
	}
	secrets := map[secret]bool{}
	for _, s := range found {
		secrets[s] = true
	}
	for n := range list {
		list[n].Conceal(func(key string) bool {
			return slices.ContainsFunc(all[n], func(layer string) bool { return secrets[secret{layer, key}] })
		})
	}
	return nil
}

// layers are all layers of the chains, each once, and those of them that are above a tenant or layer.
func (all chains) layers() (layers, above []string) {
	for _, chain := range all {
		layers = append(layers, chain...)
		above = append(above, chain[:len(chain)-1]...)
	}
	return unique(layers), unique(above)
}

// openKeys are the keys of items that are not marked as secrets yet.
func openKeys(list []models.Change) (keys []string) {
	for _, c := range list {
		for _, i := range c.Items {
			if !i.Sensitive {
				keys = append(keys, i.Key)
			}
		}
	}
	return unique(keys)
}

func unique(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}
