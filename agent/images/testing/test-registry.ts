import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import { pack } from "tar-stream";

const digestOf = (bytes: Buffer) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** A registry on a free port with small images. Repositories may ask for a user and password. */
export class TestRegistry {
  /** `USER METHOD-less path`, in the order in which they were asked for; `-` for who says no name. */
  readonly seen: string[] = [];
  /** Answers wait for what this gives. */
  hold: (path: string) => Promise<void> | undefined = () => undefined;
  readonly #documents = new Map<string, { readonly bytes: Buffer; readonly accounts: readonly string[] }>();
  readonly #server: Server;
  readonly #waiting: { readonly pattern: RegExp; readonly found: () => void }[] = [];

  private constructor() {
    this.#server = createServer((request, answer) => void this.#answer(request, answer));
  }

  static async start(): Promise<TestRegistry> {
    const registry = new TestRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, "127.0.0.1", resolve));
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** An image with a layer for each text (the file `/text` of the last is what is seen). `accounts` (`user:password`) may
   *  have it; nobody named: everyone. Answers its full name. */
  async add(
    repository: string,
    texts: readonly string[],
    accounts: readonly string[] = [],
    tag = "1",
  ): Promise<string> {
    const layers = await Promise.all(texts.map(layerOf));
    const contents = layers.map((layer) => digestOf(gunzipSync(layer)));
    const rootfs = { type: "layers", diff_ids: contents };
    const config = Buffer.from(JSON.stringify({ config: { Cmd: ["run"] }, rootfs, texts }));
    const described = (bytes: Buffer, mediaType: string) => ({
      mediaType,
      digest: digestOf(bytes),
      size: bytes.length,
    });
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        config: described(config, "application/vnd.oci.image.config.v1+json"),
        layers: layers.map((one) => described(one, "application/vnd.oci.image.layer.v1.tar+gzip")),
      }),
    );
    for (const name of [tag, digestOf(manifest)])
      this.#documents.set(`/v2/${repository}/manifests/${name}`, { bytes: manifest, accounts });
    for (const bytes of [config, ...layers])
      this.#documents.set(`/v2/${repository}/blobs/${digestOf(bytes)}`, { bytes, accounts });
    return `${this.host}/${repository}:${tag}`;
  }

  /** Answers at `path` with what stands at another. */
  serve(path: string, as: string): void {
    const document = this.#documents.get(as);
    if (document !== undefined) this.#documents.set(path, document);
  }

  /** Resolves once something that matches was asked for. */
  asked(pattern: RegExp): Promise<void> {
    if (this.seen.some((line) => pattern.test(line))) return Promise.resolve();
    return new Promise((found) => void this.#waiting.push({ pattern, found }));
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    const [, basic = ""] = (request.headers.authorization ?? "").split(" ");
    const account = Buffer.from(basic, "base64").toString("utf8");
    const document = this.#documents.get(path.split("?")[0] ?? "");
    const line = `${account.split(":")[0] || "-"} ${path}`;
    this.seen.push(line);
    for (const { pattern, found } of this.#waiting) if (pattern.test(line)) found();
    await this.hold(path);
    if (document === undefined) answer.writeHead(404).end();
    else if (document.accounts.length === 0 || document.accounts.includes(account))
      answer
        .writeHead(200, {
          "content-length": document.bytes.length,
          "content-type": path.includes("/manifests/")
            ? "application/vnd.oci.image.manifest.v1+json"
            : "application/octet-stream",
        })
        .end(document.bytes);
    else if (account !== "") answer.writeHead(403).end();
    else answer.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
  }
}

function layerOf(text: string): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: "text", type: "file" }, text);
  archive.finalize();
  return buffer(archive).then((bytes) => gzipSync(bytes));
}
