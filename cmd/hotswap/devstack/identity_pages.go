package devstack

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
)

//go:embed assets
var assets embed.FS

// page is the one HTML page: accounts to choose from, or a sentence and a way back.
type page struct {
	Title, Text string
	Accounts    []Account
	Back        string
}

type pages struct {
	html *template.Template
	css  []byte
}

func loadPages() (*pages, error) {
	html, err := template.ParseFS(assets, "assets/page.html")
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	css, err := assets.ReadFile("assets/style.css")
	if err != nil {
		return nil, fmt.Errorf("read the style: %w", err)
	}
	return &pages{html, css}, nil
}

func (p *pages) style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	http.ServeContent(w, r, "style.css", time.Time{}, bytes.NewReader(p.css))
}

func (i *Identity) show(w http.ResponseWriter, r *http.Request, status int, p page) {
	var body bytes.Buffer
	if err := i.pages.html.Execute(&body, p); err != nil {
		i.log.ErrorContext(r.Context(), "draw a page", "error", err)
		http.Error(w, "the page cannot be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	i.send(w, r, status, body.Bytes())
}

// metadata is the part of OpenID Connect Discovery 1.0 that this provider has something to say about.
type metadata struct {
	Issuer            string   `json:"issuer"`
	Authorization     string   `json:"authorization_endpoint"`
	Token             string   `json:"token_endpoint"`
	Userinfo          string   `json:"userinfo_endpoint"`
	JWKS              string   `json:"jwks_uri"`
	EndSession        string   `json:"end_session_endpoint"`
	Scopes            []string `json:"scopes_supported"`
	ResponseTypes     []string `json:"response_types_supported"`
	ResponseModes     []string `json:"response_modes_supported"`
	GrantTypes        []string `json:"grant_types_supported"`
	SubjectTypes      []string `json:"subject_types_supported"`
	SigningAlgorithms []string `json:"id_token_signing_alg_values_supported"`
	ClientAuth        []string `json:"token_endpoint_auth_methods_supported"`
	ChallengeMethods  []string `json:"code_challenge_methods_supported"`
	Claims            []string `json:"claims_supported"`
	IssuerInAnswer    bool     `json:"authorization_response_iss_parameter_supported"`
	RequestParameter  bool     `json:"request_parameter_supported"`
	RequestURI        bool     `json:"request_uri_parameter_supported"`
}

func (i *Identity) discovery(w http.ResponseWriter, r *http.Request) {
	auth := []string{"client_secret_basic", "client_secret_post"}
	if i.opts.ClientSecret == "" {
		auth = []string{"none"}
	}
	i.json(w, r, http.StatusOK, metadata{
		Issuer:            i.issuer,
		Authorization:     i.issuer + "/authorize",
		Token:             i.issuer + "/token",
		Userinfo:          i.issuer + "/userinfo",
		JWKS:              i.issuer + "/jwks",
		EndSession:        i.issuer + "/end_session",
		Scopes:            []string{"openid", "profile", "email", "groups"},
		ResponseTypes:     []string{"code"},
		ResponseModes:     []string{"query"},
		GrantTypes:        []string{"authorization_code"},
		SubjectTypes:      []string{"public"},
		SigningAlgorithms: []string{string(jose.RS256)},
		ClientAuth:        auth,
		ChallengeMethods:  []string{"S256"},
		Claims:            []string{"sub", "email", "email_verified", "name", "groups"},
		IssuerInAnswer:    true,
	})
}

func (i *Identity) jwks(w http.ResponseWriter, r *http.Request) {
	i.json(w, r, http.StatusOK, i.keys.public())
}
