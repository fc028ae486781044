// Package models holds the nouns of HotSwap: their shapes, states and pure rules.
// It imports the standard library only; everything that talks to a store lives in services.
package models
