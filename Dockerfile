# One image for all of meshbeat: orchestrator, node and capture differ in their first word only.
#
# For the classic builder and BuildKit. Four stages: everything npm has; of it, what runs; the compiled package;
# and the image, which takes the last two and nothing else. docs/containers.md tells who gets which privilege.
#
# The base is pinned by its exact tag. To pin it by content as well, so that not even a rebuilt tag changes it,
# append the digest that `docker buildx imagetools inspect node:20.20.2-bookworm-slim` prints:
# FROM node:20.20.2-bookworm-slim@sha256:...
FROM node:20.20.2-bookworm-slim AS base

FROM base AS packages
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-update-notifier

# What runs: no development packages; and no TypeScript, maps, manuals or C++ sources, which Node cannot load.
# npm leaves out by itself the native libraries of other platforms.
FROM packages AS production
RUN npm prune --omit=dev --offline --ignore-scripts --no-update-notifier \
 && find node_modules -type f \( -name '*.ts' -o -name '*.cts' -o -name '*.mts' -o -name '*.map' -o -name '*.md' \) -delete \
 && rm -rf node_modules/koffi/vendor node_modules/koffi/doc node_modules/piscina/test node_modules/piscina/docs \
      node_modules/.package-lock.json node_modules/.bin \
 && find node_modules -type d -empty -delete

# What npm would publish: the field "files" of package.json says what a meshbeat consists of.
FROM packages AS package
COPY . .
RUN node scripts/build.mjs \
 && npm pack --ignore-scripts --silent --pack-destination /tmp \
 && mkdir /package \
 && tar -xzf /tmp/meshbeat-*.tgz -C /package --strip-components=1 \
 && find /package -type f \( -name '*.map' -o -name '*.ts' \) -delete \
 && find /package -type d -empty -delete

FROM base
# Docker gives a user other than root none of a container's capabilities, so two programs carry them in the file:
# tcpdump may capture, and with-net-admin, a copy of setpriv, hands a node what it needs (docker/entrypoint.sh).
# Effective only where the container was given the capability too. They survive the build as extended attributes
# of the layer: test/docker/image.test.ts looks. No program of the image may change its user by a set-uid bit.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends iproute2 libcap2-bin openvpn tcpdump \
      wireguard-go wireguard-tools \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
 && setcap cap_net_raw+ep /usr/bin/tcpdump \
 && cp /usr/bin/setpriv /usr/local/bin/with-net-admin \
 && setcap cap_net_admin,cap_sys_nice+p /usr/local/bin/with-net-admin \
 && ln -s /tmp/wireguard /run/wireguard \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
# wireguard-go has its socket in /run/wireguard, which is where a node may write: nodes make /tmp/wireguard.
WORKDIR /opt/meshbeat
COPY --from=production /build/node_modules ./node_modules
COPY --from=package /package ./
COPY docker/entrypoint.sh docker/healthy.sh /usr/local/bin/
ENV NODE_ENV=production
USER node
ENTRYPOINT ["entrypoint.sh"]
CMD ["--help"]
