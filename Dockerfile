# The first stage bundles what the browser loads, the second makes the static binary with it inside; the image holds
# that binary and what it reads at run time.
FROM node:22.23.3-bookworm AS assets
WORKDIR /src/static

COPY static/package.json static/package-lock.json static/.npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY static ./
RUN npm run build

FROM golang:1.26.8-bookworm AS build
WORKDIR /src

COPY go.mod go.sum ./
RUN go mod download

COPY . .
COPY --from=assets /src/static/dist static/dist
ARG VERSION=dev
RUN make binary VERSION="${VERSION}"
RUN install -d -m 0700 state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /zoneinfo.zip
COPY --from=build /src/bin/hotswap /hotswap
# A volume mounted here, for HOTSWAP_STATE_DIR, belongs to the user below.
COPY --from=build --chown=65532:65532 /src/state /var/lib/hotswap

ENV ZONEINFO=/zoneinfo.zip \
    HOTSWAP_LISTEN=:8080 \
    HOTSWAP_OPS_LISTEN=:9090
EXPOSE 8080 9090

# Numeric, so that an orchestrator can tell that it is not root.
USER 65532:65532

# Orchestrators probe /healthz and /readyz on the operations port; there is no shell or client in here to do it.
HEALTHCHECK NONE

ENTRYPOINT ["/hotswap"]
CMD ["serve"]
