package secrets

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"hash/crc32"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go-gcpkms/v2/integration/gcpkms"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store/storetest"
)

// The tests of this file show our wiring: the real clients of the three services speak to servers of the tests, which
// follow the services' documents as far as a master key needs. They are no proof that the services themselves agree.

// serviceKey is the key that never leaves a service.
func serviceKey(t *testing.T) tink.AEAD {
	t.Helper()
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	key, err := aead.New(handle)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// checkMaster uses a master key for what it is there for: a value sealed by one node is opened by another, and nothing is
// unwrapped for another tenant.
func checkMaster(t *testing.T, m *Master) {
	t.Helper()
	if err := m.Check(t.Context()); err != nil {
		t.Fatalf("check: %v", err)
	}
	db := storetest.New(t)
	db.Tenant(t, "acme", "Free")
	db.Tenant(t, "globex", "Free")
	node := func() *Service {
		return New(Options{DB: db.DB, Master: m, Now: time.Now, NewID: uuid.NewString, Log: slog.New(slog.DiscardHandler)})
	}
	one, two := node(), node()
	for _, tenant := range []string{"acme", "globex"} {
		if err := one.Ready(t.Context(), tenant); err != nil {
			t.Fatalf("ready: %v", err)
		}
	}
	text, row, err := one.Seal("acme", "a", models.NewSecret(`"canary"`))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := two.Reveal(t.Context(), "acme", "a", text, row.Ciphertext); err != nil || got.Reveal() != `"canary"` {
		t.Errorf("reveals %q, %v", got.Reveal(), err)
	}
	db.Admin(t, `UPDATE tenant_keys k SET keyset = o.keyset FROM tenant_keys o WHERE k.tenant_id = 'acme' AND o.tenant_id = 'globex'`)
	if err := node().Ready(t.Context(), "acme"); err == nil {
		t.Error("the keyset of another tenant was unwrapped")
	}
	var name string
	db.Scan(t, `SELECT min(master) FROM tenant_keys`, nil, &name)
	if name != m.Name() || !strings.Contains(name, "://") {
		t.Errorf("wrapped by %q", name)
	}
}

// transit answers as Vault's transit engine does for one key.
func transit(t *testing.T, key tink.AEAD) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Plaintext      []byte `json:"plaintext"`
			Ciphertext     string `json:"ciphertext"`
			AssociatedData []byte `json:"associated_data"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Vault-Token") != "token" || len(in.AssociatedData) == 0 {
			http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
			return
		}
		data := map[string]any{}
		switch r.URL.Path {
		case "/v1/transit/encrypt/hotswap":
			sealed, err := key.Encrypt(in.Plaintext, in.AssociatedData)
			if err != nil {
				t.Error(err)
			}
			data["ciphertext"] = "vault:v1:" + base64.StdEncoding.EncodeToString(sealed)
		case "/v1/transit/decrypt/hotswap":
			sealed, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(in.Ciphertext, "vault:v1:"))
			plain, err := key.Decrypt(sealed, in.AssociatedData)
			if err != nil {
				http.Error(w, `{"errors":["cipher: message authentication failed"]}`, http.StatusBadRequest)
				return
			}
			data["plaintext"] = plain
		default:
			http.Error(w, `{"errors":[]}`, http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
	}
}

// Vault is reached over TLS with the authority and the token that Vault's own tools take.
func TestVault(t *testing.T) {
	server := httptest.NewTLSServer(transit(t, serviceKey(t)))
	t.Cleanup(server.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	open := func(path string) *Master {
		m, err := OpenMaster(t.Context(), "hcvault://"+server.Listener.Addr().String()+path)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	t.Setenv("VAULT_TOKEN", "token")
	if err := open("/transit/keys/hotswap").Check(t.Context()); err == nil {
		t.Error("a server whose certificate nobody vouches for was asked")
	}
	t.Setenv("VAULT_CACERT", authority)
	checkMaster(t, open("/transit/keys/hotswap"))
	if err := open("/transit/keys/other").Check(t.Context()); err == nil {
		t.Error("a key that does not exist wraps")
	}
	t.Setenv("VAULT_TOKEN", "another")
	err := open("/transit/keys/hotswap").Check(t.Context())
	if known, ok := errors.AsType[*models.Error](err); !ok || known.Code != models.CodeUnavailable {
		t.Errorf("with another token: %v", err)
	}
}

// A service that takes the call and says nothing holds nobody up for longer than the caller waits.
func TestHungService(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	m := &Master{name: "hung", aead: patient{hung{server.URL}}}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := m.Check(ctx); err == nil || time.Since(begun) > masterTimeout {
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
}

// hung is a client without a time-out.
type hung struct{ url string }

// Encrypt waits.
func (h hung) Encrypt([]byte, []byte) ([]byte, error) {
	answer, err := http.Get(h.url) //nolint:noctx // that is what is tested
	if err != nil {
		return nil, err
	}
	return nil, answer.Body.Close()
}

// Decrypt waits.
func (h hung) Decrypt(_, associated []byte) ([]byte, error) { return h.Encrypt(nil, associated) }

// amazon answers as AWS KMS does for one key.
func amazon(t *testing.T, key tink.AEAD) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			KeyID             string `json:"KeyId"`
			Plaintext         []byte
			CiphertextBlob    []byte
			EncryptionContext map[string]string
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !strings.Contains(r.Header.Get("Authorization"), "AKIDEXAMPLE") {
			t.Errorf("request of %q: %v", r.Header.Get("Authorization"), err)
		}
		about := []byte(in.EncryptionContext["associatedData"])
		out := map[string]any{"KeyId": in.KeyID}
		var err error
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		switch r.Header.Get("X-Amz-Target") {
		case "TrentService.Encrypt":
			out["CiphertextBlob"], err = key.Encrypt(in.Plaintext, about)
		case "TrentService.Decrypt":
			out["Plaintext"], err = key.Decrypt(in.CiphertextBlob, about)
		default:
			err = errors.New("no such action")
		}
		if err != nil || in.KeyID != amazonKey || len(about) == 0 {
			w.WriteHeader(http.StatusBadRequest)
			out = map[string]any{"__type": "InvalidCiphertextException"}
		}
		_ = json.NewEncoder(w).Encode(out)
	}
}

const amazonKey = "arn:aws:kms:eu-central-1:111122223333:key/hotswap"

func TestAmazon(t *testing.T) {
	server := httptest.NewServer(amazon(t, serviceKey(t)))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_KMS", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	m, err := OpenMaster(t.Context(), "aws-kms://"+amazonKey)
	if err != nil {
		t.Fatal(err)
	}
	checkMaster(t, m)
}

// google answers as Google's Cloud KMS does for one key.
type google struct {
	kmspb.UnimplementedKeyManagementServiceServer

	key tink.AEAD
}

const googleKey = "projects/p/locations/global/keyRings/r/cryptoKeys/hotswap"

func checksum(b []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))))
}

// Encrypt seals.
func (g google) Encrypt(_ context.Context, in *kmspb.EncryptRequest) (*kmspb.EncryptResponse, error) {
	if in.GetName() != googleKey {
		return nil, status.Error(codes.NotFound, "no such key")
	}
	sealed, err := g.key.Encrypt(in.GetPlaintext(), in.GetAdditionalAuthenticatedData())
	return &kmspb.EncryptResponse{
		Name: in.GetName() + "/cryptoKeyVersions/1", Ciphertext: sealed, CiphertextCrc32C: checksum(sealed),
		VerifiedPlaintextCrc32C: in.GetPlaintextCrc32C().GetValue() == checksum(in.GetPlaintext()).GetValue(),
		VerifiedAdditionalAuthenticatedDataCrc32C: in.GetAdditionalAuthenticatedDataCrc32C().GetValue() ==
			checksum(in.GetAdditionalAuthenticatedData()).GetValue(),
	}, err
}

// Decrypt opens.
func (g google) Decrypt(_ context.Context, in *kmspb.DecryptRequest) (*kmspb.DecryptResponse, error) {
	plain, err := g.key.Decrypt(in.GetCiphertext(), in.GetAdditionalAuthenticatedData())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "decryption failed")
	}
	return &kmspb.DecryptResponse{Plaintext: plain, PlaintextCrc32C: checksum(plain)}, nil
}

func TestGoogle(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	kmspb.RegisterKeyManagementServiceServer(server, google{key: serviceKey(t)})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	open := func(name string) *Master {
		m, err := openService(t.Context(), "gcp-kms", "gcp-kms://"+name, gcpkms.WithGoogleAPIClientOptions(
			option.WithEndpoint(listener.Addr().String()), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	checkMaster(t, open(googleKey))
	if err := open("projects/p/other").Check(t.Context()); err == nil {
		t.Error("a key that does not exist wraps")
	}
}
