// A registry of our own with one small image, which can be slow, silent or cut off.
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";

/** What happens to the next download of a layer. */
export type Fault = "none" | "stall" | "cut" | "gone";

const pieceBytes = 300_000;
const hash = (data: Buffer | string) => `sha256:${createHash("sha256").update(data).digest("hex")}`;

/** @param layerBytes of each of its two layers @param name of the image, as registries have it */
export async function startRegistry(layerBytes = 3_000_000, name = "small:1") {
  const layers = [makeLayer("one", layerBytes), makeLayer("two", layerBytes)];
  const rootfs = { type: "layers", diff_ids: layers.map(({ tar }) => hash(tar)) };
  const config = Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", config: {}, rootfs }));
  const docker = "application/vnd.docker";
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: `${docker}.distribution.manifest.v2+json`,
    config: { mediaType: `${docker}.container.image.v1+json`, size: config.length, digest: hash(config) },
    layers: layers.map(({ packed }) => ({
      mediaType: `${docker}.image.rootfs.diff.tar.gzip`,
      size: packed.length,
      digest: hash(packed),
    })),
  });
  const blobs = new Map([config, ...layers.map(({ packed }) => packed)].map((blob) => [hash(blob), blob]));
  const faults: Fault[] = [];
  let downloads = 0;
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    if (path.includes("/manifests/") && !path.startsWith(`/v2/${name.split(":")[0]}/`)) {
      return void response.writeHead(404).end();
    }
    if (path.includes("/manifests/")) {
      response.writeHead(200, {
        "content-type": `${docker}.distribution.manifest.v2+json`,
        "docker-content-digest": hash(manifest),
        "content-length": manifest.length,
      });
      response.end(request.method === "HEAD" ? undefined : manifest);
      return;
    }
    const blob = blobs.get(path.split("/blobs/")[1] ?? "");
    if (!blob) return void response.writeHead(path === "/v2/" ? 200 : 404).end();
    if (blob === config) return void response.writeHead(200, { "content-length": blob.length }).end(blob);
    downloads++;
    await sendLayer(response, blob, faults.shift() ?? "none");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    /** As people write a mirror. */
    host: `127.0.0.1:${port}`,
    image: `127.0.0.1:${port}/${name}`,
    totalBytes: layers.reduce((sum, { packed }) => sum + packed.length, 0),
    /** For the next downloads of layers, in their order. */
    faults,
    downloads: () => downloads,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function sendLayer(response: ServerResponse, blob: Buffer, fault: Fault): Promise<void> {
  if (fault === "gone") return void response.writeHead(404).end();
  response.writeHead(200, { "content-length": blob.length });
  for (let at = 0; at < blob.length; at += pieceBytes) {
    if (fault === "stall" && at > blob.length / 2) return;
    if (fault === "cut" && at > blob.length / 2) return void response.destroy();
    response.write(blob.subarray(at, at + pieceBytes));
    await sleep(30);
  }
  response.end();
}

/** Bytes that do not shrink, so that there is something to fetch. */
function makeLayer(name: string, layerBytes: number): { readonly tar: Buffer; readonly packed: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-layer-"));
  writeFileSync(join(folder, name), randomBytes(layerBytes));
  const tar = spawnSync("tar", ["-C", folder, "-cf", "-", name], { maxBuffer: 2 * layerBytes }).stdout;
  rmSync(folder, { recursive: true });
  return { tar, packed: gzipSync(tar) };
}
