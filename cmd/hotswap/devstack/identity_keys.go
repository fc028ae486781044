package devstack

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// The types in a token's header. An ID token must not pass for an access token (RFC 9068).
const (
	typeID     = "JWT"
	typeAccess = "at+jwt"
)

// tokenLife is how long both tokens are valid.
const tokenLife = time.Hour

type signingKeys struct {
	private *rsa.PrivateKey
	id      string // RFC 7638 thumbprint
}

// loadKeys keeps the key between starts, so that tokens and clients' cached keys stay good.
func loadKeys(p *place) (*signingKeys, error) {
	text, err := p.kept("key", newKey)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("%s holds no key", p.file("key"))
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p.file("key"), err)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds no RSA key", p.file("key"))
	}
	print, err := (&jose.JSONWebKey{Key: private.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("name the key: %w", err)
	}
	return &signingKeys{private: private, id: base64.RawURLEncoding.EncodeToString(print)}, nil
}

func newKey() (string, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// public is the JWK set that clients fetch.
func (k *signingKeys) public() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: k.private.Public(), KeyID: k.id, Algorithm: string(jose.RS256), Use: "sig"},
	}}
}

func (k *signingKeys) sign(kind string, claims tokenClaims) (string, error) {
	key := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: k.private, KeyID: k.id}}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType(jose.ContentType(kind)))
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// verify returns the claims of an access token of ours.
func (k *signingKeys) verify(token string, want jwt.Expected) (tokenClaims, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return tokenClaims{}, err
	}
	var claims tokenClaims
	if err := parsed.Claims(k.private.Public(), &claims); err != nil {
		return tokenClaims{}, err
	}
	if kind, ok := parsed.Headers[0].ExtraHeaders[jose.HeaderType].(string); !ok || kind != typeAccess {
		return tokenClaims{}, errors.New("not an access token")
	}
	return claims, claims.ValidateWithLeeway(want, 0)
}

// profile is what both tokens and userinfo say of an account.
type profile struct {
	Email         string   `json:"email"`
	EmailVerified bool     `json:"email_verified"`
	Name          string   `json:"name"`
	Groups        []string `json:"groups"`
}

func (a Account) profile() profile {
	return profile{a.Email, true, a.Name, append([]string{}, a.Groups...)} // never null
}

type tokenClaims struct {
	jwt.Claims
	profile
	Nonce           string           `json:"nonce,omitempty"`
	AuthTime        *jwt.NumericDate `json:"auth_time,omitempty"`
	AccessTokenHash string           `json:"at_hash,omitempty"`
	ClientID        string           `json:"client_id,omitempty"`
	Scope           string           `json:"scope,omitempty"`
}

// accessTokenHash is at_hash of OpenID Connect Core 3.1.3.6.
func accessTokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
