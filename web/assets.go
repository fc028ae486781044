package web

import (
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/hotswap/hotswap/static"
)

// asset is a file for the browser as it is sent.
type asset struct {
	contentType    string
	plain, gzipped []byte
}

// assetHandler serves the built files. Their names carry the hash of their content, so they never change.
func assetHandler(assets static.Assets) (echo.HandlerFunc, error) {
	files := map[string]asset{}
	for _, name := range assets.Names() {
		plain, gzipped, err := assets.Read(name)
		if err != nil {
			return nil, err
		}
		files[name] = asset{mime.TypeByExtension(path.Ext(name)), plain, gzipped}
	}
	return func(c echo.Context) error {
		file, ok := files[c.Param("file")]
		if !ok {
			return echo.ErrNotFound
		}
		h := c.Response().Header()
		h.Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
		h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
		body := file.plain
		if strings.Contains(c.Request().Header.Get(echo.HeaderAcceptEncoding), "gzip") {
			h.Set(echo.HeaderContentEncoding, "gzip")
			body = file.gzipped
		}
		return c.Blob(http.StatusOK, file.contentType, body)
	}, nil
}
