import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { parseFlags, UsageError } from "../../base/os/flags.ts";
import { createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { clusterInfo } from "../../client/rules/joining-nodes.ts";
import { pinnedCertificates } from "../../client/rules/public-key-pin.ts";
import { agentFlags } from "../flags.ts";
import { readClusterInfo, trustedPem } from "./cluster-info.ts";
import { discover } from "./discover.ts";
import { hideToken, joinConfig } from "./flags.ts";
import { IdentityFolder } from "./identity-folder.ts";
import { renewalMs } from "./plan-renewal.ts";

const pinOf = (pem: string) => pinnedCertificates(pem)[0]?.pin ?? "";
const token = "abcdef.0123456789abcdef";
const pin = `sha256:${"a".repeat(64)}`;

const infoOf = (server: string, caPem: string) => ({
  [clusterInfo.kubeconfigKey]: stringify({
    clusters: [
      { name: "", cluster: { server, "certificate-authority-data": Buffer.from(caPem).toString("base64") } },
    ],
  }),
  [clusterInfo.podRangeKey]: "fd00::/64,10.244.0.0/16",
  [clusterInfo.serviceRangeKey]: "10.96.0.0/16",
});

describe("what a machine is told of the cluster to join", () => {
  const config = (...words: readonly string[]) => joinConfig(parseFlags(agentFlags, words).flags, "n1");
  const problem = (...words: readonly string[]) => {
    try {
      config(...words);
    } catch (error) {
      assert.ok(error instanceof UsageError);
      assert.ok(!error.message.includes("0123456789abcdef"), "the token is shown");
      return error.message;
    }
    return assert.fail("nothing is wrong with it");
  };
  const url = "--server=https://10.0.0.1:6443";

  it("is a server, a token and a hash, or a server alone once it has joined", () => {
    const found = config(url, `--token=${token}`, `--discovery-token-ca-cert-hash=${pin}`, "--root-dir=/d");
    assert.deepEqual(found, {
      server: "https://10.0.0.1:6443",
      nodeName: "n1",
      token: { id: "abcdef", secret: "0123456789abcdef" },
      pins: [pin],
      folder: "/d/identity",
    });
    assert.equal(config(url)?.token, undefined);
    assert.equal(config(), undefined);
  });

  it("is refused by name where it is not whole, or not sound, and the token is not shown", () => {
    const pinned = `--discovery-token-ca-cert-hash=${pin}`;
    assert.match(problem(url, `--token=${token}`), /^--discovery-token-ca-cert-hash: needed to join/);
    assert.match(problem(`--token=${token}`), /^--token: needs --server/);
    assert.match(problem(pinned), /^--discovery-token-ca-cert-hash: needs --server/);
    assert.match(problem(url, "--kubeconfig=/k"), /^--server: has no place beside --kubeconfig/);
    assert.match(problem(url, "--token=0123456789abcdef", pinned), /^--token: holds no token/);
    assert.match(problem(url, "--token-file=/none", pinned), /^--token-file: cannot read \/none/);
    assert.match(problem(url, `--token=${token}`, "--token-file=/f", pinned), /no place beside --token/);
    assert.match(problem(url, "--discovery-token-ca-cert-hash=sha256:1"), /is not sha256: and 64 digits/);
    for (const bad of ["http://10.0.0.1", "10.0.0.1:6443", "https://a/b", "https://u@a", "https://a?b"])
      assert.match(problem(`--server=${bad}`), /is not https:\/\/HOST:PORT/, bad);
  });

  it("leaves no token in the process's words and environment", () => {
    const argv = ["node", "pintle", "agent", `--token=${token}`];
    const process = { title: "node", argv, env: { PINTLE_TOKEN: token, A: "b" } as NodeJS.ProcessEnv };
    hideToken({ token }, process);
    assert.equal(process.title, `node pintle agent --token=${"*".repeat(token.length)}`);
    assert.deepEqual(process.env, { A: "b" });
  });
});

describe("what a cluster says of itself in public", () => {
  it("is read as anybody's text", async () => {
    const { certificatePem } = await createAuthority({ name: "ca" });
    const found = readClusterInfo(infoOf("https://10.0.0.1:6443", certificatePem));
    assert.deepEqual(
      [found.servers, found.podRange, found.serviceRange],
      [["https://10.0.0.1:6443"], "10.244.0.0/16,fd00::/64", "10.96.0.0/16"],
    );
    const bomb = `a: &a [x,x]\nb: &b [*a,*a]\nclusters: [*b,*b]\n`;
    for (const data of [
      undefined,
      [],
      {},
      { kubeconfig: 7 },
      { kubeconfig: "{" },
      { kubeconfig: bomb },
      infoOf("http://10.0.0.1", certificatePem),
      infoOf("https://u:p@10.0.0.1", certificatePem),
      infoOf("https://10.0.0.1:6443", "no certificate"),
    ])
      assert.throws(() => readClusterInfo(data), Error, JSON.stringify(data));
  });

  it("makes nobody trusted but the authority that was pinned", async () => {
    const [ours, theirs] = await Promise.all([
      createAuthority({ name: "a" }),
      createAuthority({ name: "b" }),
    ]);
    const leaf = await issueCertificate(ours, { commonName: "x", usage: "server" });
    const bundle = [theirs, ours, leaf].map((one) => one.certificatePem).join("\n");
    const trusted = trustedPem(bundle, [pinOf(ours.certificatePem), pinOf(leaf.certificatePem)]);
    assert.deepEqual(
      pinnedCertificates(trusted).map((one) => one.pin),
      [pinOf(ours.certificatePem)],
    );
    assert.equal(trustedPem(bundle, [pin]), "");
  });

  /** Shows one authority, and serves by a certificate of another where asked to. */
  async function serve(options: { readonly address: string; readonly isImpostor: boolean }) {
    const shown = await createAuthority({ name: "shown" });
    const signer = options.isImpostor ? await createAuthority({ name: "shown" }) : shown;
    const own = await issueCertificate(signer, {
      commonName: "s",
      addresses: [options.address],
      usage: "server",
    });
    const asked: string[] = [];
    const server = createServer({ cert: own.certificatePem, key: own.privateKeyPem }, (request, answer) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? "nobody"}`);
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      answer.end(JSON.stringify({ data: infoOf(url, shown.certificatePem) }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const close = () => new Promise((resolve) => server.close(resolve));
    return { url, pin: pinOf(shown.certificatePem), asked, close };
  }

  it("is taken from a server of the pinned authority, without a word of who asks", async () => {
    const served = await serve({ address: "127.0.0.1", isImpostor: false });
    const found = await discover(served.url, [served.pin]);
    assert.equal(found.localAddress, "127.0.0.1");
    assert.equal(pinOf(found.caPem), served.pin);
    assert.ok(
      served.asked.every(
        (line) => line === "GET /api/v1/namespaces/kube-public/configmaps/cluster-info nobody",
      ),
    );
    await served.close();
  });

  it("is refused by name of another authority, of one who only shows it, and of a wrong name", async () => {
    const good = await serve({ address: "127.0.0.1", isImpostor: false });
    await assert.rejects(discover(good.url, [pin]), new RegExp(`shows ${good.pin}, but .* says ${pin}`));
    await good.close();
    const impostor = await serve({ address: "127.0.0.1", isImpostor: true });
    await assert.rejects(
      discover(impostor.url, [impostor.pin]),
      /somebody stands between. The token was not sent/,
    );
    await impostor.close();
    const elsewhere = await serve({ address: "10.0.0.9", isImpostor: false });
    await assert.rejects(discover(elsewhere.url, [elsewhere.pin]), /is not for that name.*--tls-san/);
    await elsewhere.close();
  });
});

describe("what a node keeps of who it is", () => {
  let path: string;
  beforeEach(async () => {
    path = join(await mkdtemp(join(tmpdir(), "pintle-identity-")), "identity");
  });
  afterEach(() => rm(join(path, ".."), { recursive: true, force: true }));

  it("is its own alone, and whole or not there", async () => {
    const folder = new IdentityFolder(path);
    await folder.prepare();
    const authority = await createAuthority({ name: "ca" });
    const key = await folder.nextKey("client");
    assert.equal(await folder.nextKey("client"), key, "a request that was begun is gone on with");
    const made = await issueCertificate(authority, {
      commonName: "system:node:n1",
      addresses: ["10.0.0.1", "fd00::1"],
      usage: "both",
    });
    await folder.saveCertificate("client", made);
    const kept = await folder.certificate("client");
    assert.deepEqual([kept?.commonName, kept?.addresses], ["system:node:n1", ["10.0.0.1", "fd00::1"]]);
    assert.equal(kept?.notAfterMs, Date.parse(new X509Certificate(made.certificatePem).validTo));
    assert.notEqual(await folder.nextKey("client"), key);
    for (const name of await readdir(path))
      assert.equal((await stat(join(path, name))).mode & 0o777, 0o600, name);
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    const other = await issueCertificate(authority, { commonName: "x", usage: "client" });
    await folder.saveCertificate("serving", { ...made, privateKeyPem: other.privateKeyPem });
    assert.equal(await folder.certificate("serving"), undefined, "a certificate of another's key");
    const text = await readFile(join(path, "client.pem"), "utf8");
    await writeFile(join(path, "client.pem"), text.slice(0, text.length / 2));
    assert.equal(await folder.certificate("client"), undefined);
    await writeFile(join(path, "cluster.json"), "{");
    await assert.rejects(folder.cluster(), /is damaged; remove .* and join again/);
  });

  it("is renewed after seven to nine tenths of its life, which begins when it came", () => {
    const times = { notBeforeMs: 0, notAfterMs: 1000, savedMs: 500 };
    assert.deepEqual([renewalMs(times, 0), renewalMs(times, 1)], [850, 950]);
    assert.equal(renewalMs({ ...times, savedMs: 2000 }, 0), 700);
    assert.equal(renewalMs({ ...times, savedMs: -5 }, 0), 700);
  });
});
