import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentialLimits, credentialsOf } from "./credentials.ts";
import { CredentialError, type ExecPlugin, readExecPlugin, runExecPlugin } from "./exec-plugin.ts";
import { kubeconfigText, loadKubeconfig, type RestConfig } from "./kubeconfig.ts";
import { resources } from "./resources.ts";
import { RestClient } from "./rest.ts";
import { ManualClock } from "./testing/manual-clock.ts";

const version = "client.authentication.k8s.io/v1";
const plugin: ExecPlugin = {
  apiVersion: version,
  command: "get-token",
  args: [],
  env: {},
  installHint: "",
  provideClusterInfo: false,
};
const base: RestConfig = { servers: ["https://127.0.0.1:1"], namespace: "default" };

describe("client/credentials", () => {
  it("asks a program once for all who wait, again when it expires or was refused, and not before", async () => {
    const clock = new ManualClock();
    let runs = 0;
    const run = async () => {
      runs++;
      return { token: `t${runs}`, expiresMs: clock.wallMs() + 60_000 };
    };
    const credentials = credentialsOf({ ...base, exec: plugin }, { clock, run });
    assert.ok(credentials);
    const [one, two] = await Promise.all([credentials.current(), credentials.current()]);
    assert.equal(one, two);
    assert.equal(one.token, "t1");
    assert.equal(await credentials.current(), one);
    await clock.advance(60_000 - credentialLimits.expiryLeewayMs);
    const renewed = await credentials.current();
    assert.equal(renewed.token, "t2");
    assert.ok(credentials.refused(one), "another is there already");
    assert.equal(await credentials.current(), renewed);
    assert.ok(credentials.refused(renewed));
    assert.equal((await credentials.current()).token, "t3");
  });

  it("reads a token's file again, and keeps the token while the file cannot be read", async () => {
    const clock = new ManualClock();
    let content: string | undefined = "a\n";
    const readFile = () => {
      if (content === undefined) throw new Error("ENOENT");
      return content;
    };
    const credentials = credentialsOf({ ...base, token: "a", tokenFile: "/t" }, { clock, readFile });
    assert.ok(credentials);
    const first = await credentials.current();
    content = "b";
    assert.equal(await credentials.current(), first);
    await clock.advance(credentialLimits.tokenFileMs);
    assert.equal((await credentials.current()).token, "b");
    content = undefined;
    await clock.advance(credentialLimits.tokenFileMs);
    assert.equal((await credentials.current()).token, "b");
  });

  it("needs neither for a configuration that stays as it is", () => {
    assert.equal(credentialsOf({ ...base, token: "a" }, { clock: new ManualClock() }), undefined);
  });
});

describe("client/exec-plugin", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-exec-plugin-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const script = (text: string): ExecPlugin => {
    const command = join(folder, "plugin.sh");
    writeFileSync(command, `#!/bin/sh\n${text}\n`);
    chmodSync(command, 0o700);
    return { ...plugin, command };
  };
  const answering = (status: object, apiVersion = version) =>
    script(`printf '%s' '${JSON.stringify({ apiVersion, kind: "ExecCredential", status })}'`);

  it("tells the program what it needs to know, and reads its answer", async () => {
    const expirationTimestamp = "2030-01-01T00:00:00Z";
    const told = script(
      `echo "$KUBERNETES_EXEC_INFO" > '${folder}/info'; echo "$1-$EXTRA" > '${folder}/args'; echo '${JSON.stringify({ apiVersion: version, kind: "ExecCredential", status: { token: "t", expirationTimestamp } })}'`,
    );
    const answer = await runExecPlugin(
      { ...told, args: ["a b"], env: { EXTRA: "x" }, provideClusterInfo: true },
      { ...base, caPem: "CA" },
    );
    assert.deepEqual(answer, { token: "t", expiresMs: Date.parse(expirationTimestamp) });
    const info = JSON.parse(readFileSync(join(folder, "info"), "utf8"));
    assert.deepEqual(info.spec, {
      interactive: false,
      cluster: { server: "https://127.0.0.1:1", "certificate-authority-data": "Q0E=" },
    });
    assert.equal(readFileSync(join(folder, "args"), "utf8"), "a b-x\n");
  });

  it("refuses what is no answer, and says what the program said", async () => {
    const refused = (given: ExecPlugin, wanted: RegExp) =>
      assert.rejects(runExecPlugin(given, base), (error: Error) => {
        assert.ok(error instanceof CredentialError, error.stack);
        assert.match(error.message, wanted);
        return true;
      });
    await refused(script("echo no login >&2; exit 3"), /no login/);
    await refused(script("echo {"), /no JSON/);
    await refused(answering({ token: "t" }, "client.authentication.k8s.io/v1beta1"), /no ExecCredential of/);
    await refused(answering({}), /neither token nor certificate/);
    await refused(answering({ clientCertificateData: "c" }), /come together/);
    await refused(answering({ token: "a\nb" }), /no header/);
    await refused(answering({ token: "a", expirationTimestamp: "soon" }), /is no time/);
    await refused({ ...plugin, command: join(folder, "none"), installHint: "install it" }, /install it/);
  });

  it("is read from a kubeconfig and written to one; what is not served is refused by name", () => {
    const text = kubeconfigText({ ...base, exec: { ...plugin, command: "/bin/get-token", env: { A: "b" } } });
    const read = (content: string) => loadKubeconfig("/k/config", { env: {}, readFile: () => content });
    assert.deepEqual(read(text).exec, { ...plugin, command: "/bin/get-token", env: { A: "b" } });
    const entry = { apiVersion: version, command: "./get" };
    const of = (value: object) => readExecPlugin(value, "/k/config", (path) => join("/k", path));
    assert.equal(of(entry).command, "/k/get");
    assert.throws(
      () => of({ ...entry, apiVersion: "client.authentication.k8s.io/v1alpha1" }),
      /not supported/,
    );
    assert.throws(() => of({ ...entry, interactiveMode: "Always" }), /not supported/);
    assert.throws(() => of({ ...entry, command: "" }), /no command/);
    assert.throws(() => of({ ...entry, args: [1] }), /args/);
    assert.throws(() => of({ ...entry, env: [{ name: "A" }] }), /env/);
  });

  describe("with a server", () => {
    let server: Server;
    let seen: (string | undefined)[];
    let accepted: string;
    beforeEach(async () => {
      seen = [];
      accepted = "";
      server = createServer((request: IncomingMessage, response) => {
        seen.push(request.headers.authorization);
        const isKnown = request.headers.authorization === `Bearer ${accepted}`;
        response.writeHead(isKnown ? 200 : 401, { "content-type": "application/json" });
        response.end(isKnown ? '{"kind":"Pod","metadata":{"name":"a"}}' : '{"kind":"Status","code":401}');
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    });
    afterEach(() => server.close());

    it("lets each who waits for a program go when its signal aborts, or when the client is closed", async () => {
      const { port } = server.address() as AddressInfo;
      const go = join(folder, "go");
      rmSync(go, { force: true });
      const exec = script(
        `while [ ! -e '${go}' ]; do sleep 0.02; done; printf '{"apiVersion":"${version}","kind":"ExecCredential","status":{"token":"t"}}'`,
      );
      accepted = "t";
      const config = { servers: [`http://127.0.0.1:${port}`], namespace: "default", exec };
      const client = new RestClient(config);
      const closed = new RestClient(config);
      const where = { name: "a", namespace: "default" };
      try {
        const stays = client.get(resources.pods, where);
        const leaving = new AbortController();
        const leaves = client.get(resources.pods, where, { signal: leaving.signal });
        const execs = client.exec(
          where,
          { command: ["ls"], onStdout: () => {}, onStderr: () => {} },
          leaving.signal,
        );
        leaving.abort(new Error("no longer wanted"));
        await assert.rejects(leaves, /no longer wanted/);
        await assert.rejects(execs, /no longer wanted/);
        const ends = closed.get(resources.pods, where);
        closed.close();
        await assert.rejects(ends, /the client was closed/);
        writeFileSync(go, "");
        assert.equal((await stays).metadata.name, "a");
      } finally {
        writeFileSync(go, ""); // the programs end
        client.close();
        closed.close();
      }
    });

    it("asks anew when the server refuses the token, once, and sends the request again", async () => {
      const { port } = server.address() as AddressInfo;
      const counter = join(folder, "count");
      rmSync(counter, { force: true });
      const counting = script(
        `echo x >> '${counter}'; n=$(wc -l < '${counter}'); printf '{"apiVersion":"${version}","kind":"ExecCredential","status":{"token":"t%s"}}' $n`,
      );
      const client = new RestClient({
        servers: [`http://127.0.0.1:${port}`],
        namespace: "default",
        exec: counting,
      });
      const read = () => client.get(resources.pods, { name: "a", namespace: "default" });
      try {
        accepted = "t1";
        await read();
        await read();
        accepted = "t2";
        await read();
        accepted = "never";
        await assert.rejects(read(), { code: 401 });
      } finally {
        client.close();
      }
      assert.deepEqual(
        seen,
        ["t1", "t1", "t1", "t2", "t2", "t3"].map((token) => `Bearer ${token}`),
      );
    });
  });
});
