# The image of controller and agent. No VMM is in it: those are the node's.
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN make build && install -D -t /out build/release/controller/chrysalis \
    build/release/src/shim/chrysalis-shim

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
    libspdlog1.10 libsqlite3-0 libssl3 libyaml-cpp0.7 \
    libsimdjson14 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /usr/local/bin/
# The controller's user; the agent's DaemonSet asks for root.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/chrysalis"]
