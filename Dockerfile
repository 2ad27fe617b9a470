# syntax=docker/dockerfile:1
# qunfa in a container: a build stage with Rust, a small Debian with the one binary.
#
#   docker build -t qunfa .
#   docker run --rm -p 8080:8080 qunfa                              a sandbox, gone at the end
#   docker run -p 8080:8080 -v qunfa:/data -e QUNFA_SERVER_PUBLIC_URL=https://push.example.org qunfa \
#       serve --listen 0.0.0.0:8080 --data /data                    the server, its data in a volume

FROM node:22-slim AS web
WORKDIR /source/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY web .
RUN npm run build

FROM rust:1.95-slim-trixie AS build
# The C compiler is for SQLite and the allocator, which are compiled in.
RUN apt-get update && apt-get install --yes --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
COPY --from=web /source/web/dist web/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked -p qunfa && cp target/release/qunfa /usr/local/bin/qunfa

FROM debian:trixie-slim
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin qunfa \
    && install --directory --owner qunfa --group qunfa --mode 0700 /data
COPY --from=build /usr/local/bin/qunfa /usr/local/bin/qunfa
USER qunfa
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--noproxy", "*", "--output", "/dev/null", "http://127.0.0.1:8080/healthz"]
ENTRYPOINT ["qunfa"]
CMD ["sandbox", "--listen", "0.0.0.0:8080"]
