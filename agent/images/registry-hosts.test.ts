import { strict as assert } from "node:assert";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../base/os/free-ports.ts";
import { createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { ImageError } from "./image.ts";
import { pullImage } from "./pull.ts";
import { parseReference } from "./reference.ts";
import { readRegistries } from "./registries-file.ts";
import { ImageStore } from "./store.ts";
import { TestRegistry } from "./testing/test-registry.ts";
import { unpackHere } from "./testing/unpack-here.ts";

let dir: string;
let first: TestRegistry;
let second: TestRegistry;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "pintle-mirrors-"));
  [first, second] = [await TestRegistry.start(), await TestRegistry.start()];
});
afterEach(async () => {
  first.stop();
  second.stop();
  await rm(dir, { recursive: true, force: true });
});

const pull = async (name: string, yaml: string, user?: string) => {
  const path = join(dir, "registries.yaml");
  await writeFile(path, yaml);
  const store = await ImageStore.open(join(dir, "images"), { openUnpacker: unpackHere });
  const credentials =
    user === undefined
      ? undefined
      : { username: user, password: "p", hash: user, secret: { namespace: "n", name: "s", uid: "1" } };
  const image = await pullImage(store, parseReference(name), {
    registries: await readRegistries(path),
    credentials,
    signal: new AbortController().signal,
  });
  return readFile(join(await store.folderOf(image.id), "text"), "utf8");
};

describe("mirrors of registries", () => {
  it("are asked in their order, then the registry: for what one has not, or when it is not reached", async () => {
    const [closed] = await freePorts(1);
    await second.add("app", ["of the second"]);
    const yaml = (name: string) =>
      `mirrors: { "${name}": { endpoint: ["http://127.0.0.1:${closed}", "http://${first.host}", "http://${second.host}"] } }`;
    assert.equal(await pull("example.invalid/app:1", yaml("example.invalid")), "of the second");
    assert.equal(first.seen[0], "- /v2/app/manifests/1?ns=example.invalid");
    assert.equal(await pull("other.invalid/app:1", yaml("*")), "of the second");
    const own = await first.add("only", ["of the registry"]);
    assert.equal(
      await pull(own, `mirrors: { "${first.host}": { endpoint: ["http://${second.host}/sub/path"] } }`),
      "of the registry",
    );
    assert.ok(second.seen.some((line) => line.startsWith("- /sub/path/v2/only/manifests/1?ns=")));
  });

  it("hear nothing of a pod's credentials: they have their own", async () => {
    const name = await first.add("private", ["secret"], ["ada:p"]);
    await second.add("private", ["secret"], ["node:q"]);
    const mirrors = `mirrors: { "${first.host}": { endpoint: ["http://${second.host}"] } }`;
    await pull(name, mirrors, "ada");
    assert.ok(second.seen.length > 0 && second.seen.every((line) => line.startsWith("- ")));
    second.seen.length = 0;
    await pull(
      name,
      `${mirrors}\nconfigs: { "${second.host}": { auth: { username: node, password: q } } }`,
      "ada",
    );
    assert.ok(second.seen.some((line) => line.startsWith("node ")));
    assert.ok(!second.seen.some((line) => line.startsWith("ada ")));
  });

  it("cannot give other bytes than the digest that is asked for", async () => {
    const name = await first.add("app", ["right"]);
    await second.add("app", ["wrong"]);
    const mirrors = `mirrors: { "${first.host}": { endpoint: ["http://${second.host}"] } }`;
    const store = await ImageStore.open(join(dir, "plain"), { openUnpacker: unpackHere });
    const signal = new AbortController().signal;
    const { digests } = await pullImage(store, parseReference(name), { signal });
    const digest = digests[0]?.split("@")[1] ?? "";
    second.serve(`/v2/app/manifests/${digest}`, `/v2/app/manifests/1`);
    await assert.rejects(pull(`${first.host}/app@${digest}`, mirrors), /came as sha256:/);
  });

  it("are read from a file of which nothing is ignored", async () => {
    for (const [yaml, why] of [
      ["mirror: {}", /mirror is not supported/],
      ["mirrors: { a.b: { endpoint: [ftp://x] } }", /is not an http or https URL/],
      ["mirrors: { a.b: { endpoint: [x], rewrite: {} } }", /rewrite is not supported/],
      ["configs: { a.b: { tls: { ca: x } } }", /ca is not supported/],
      ["configs: { a.b: { tls: { cert_file: x } } }", /belong together/],
      ["configs: { a.b: { auth: { identity_token: x } } }", /identity_token is not supported/],
      ["mirrors: [", /cannot be used/],
    ] as const) {
      await writeFile(join(dir, "bad.yaml"), yaml);
      await assert.rejects(readRegistries(join(dir, "bad.yaml")), (error) => {
        assert.ok(error instanceof ImageError);
        return why.test(`${error.message}: ${(error.cause as Error).message}`);
      });
    }
    assert.deepEqual(await readRegistries(join(dir, "none.yaml")), { mirrors: {}, hosts: {} });
  });
});

describe("a registry with TLS", () => {
  let server: Server;
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it("is trusted by the authority that the file names, and by no other", async () => {
    const authority = await createAuthority({ name: "registries" });
    const own = await issueCertificate(authority, {
      commonName: "localhost",
      dnsNames: ["localhost"],
      addresses: ["127.0.0.1"],
      usage: "server",
    });
    server = createServer({ cert: own.certificatePem, key: own.privateKeyPem }, (request, answer) => {
      const [host, port] = first.host.split(":");
      const { url, headers } = request;
      httpRequest({ host, port, path: url, headers }, (from) => {
        answer.writeHead(from.statusCode ?? 500, from.headers);
        from.pipe(answer);
      }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await first.add("app", ["by TLS"]);
    await writeFile(join(dir, "ca.pem"), authority.certificatePem);
    const mirrors = `mirrors: { example.invalid: { endpoint: ["https://127.0.0.1:${port}"] } }`;
    await assert.rejects(pull("example.invalid/app:1", mirrors), /cannot reach 127.0.0.1/);
    const trusting = `${mirrors}\nconfigs: { "127.0.0.1:${port}": { tls: { ca_file: ca.pem } } }`;
    assert.equal(await pull("example.invalid/app:1", trusting), "by TLS");
    assert.equal(await pull(`127.0.0.1:${port}/app:1`, trusting), "by TLS");
  });
});
