import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { parseFlags } from "../../base/os/flags.ts";
import { createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { certificatesOnly } from "./authentication/config.ts";
import { remoteTokenFlags, webhookConfig } from "./authentication/remote-token-flags.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const selfReviews = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

describe("a server whose tokens a webhook judges", () => {
  let folder: string;
  let webhook: Server;
  let api: TestApiserver;
  let aheadMs = 0;
  const asked: string[] = [];

  before(async () => {
    const authority = await createAuthority({ name: "webhook" });
    const place = { dnsNames: ["localhost"], addresses: ["127.0.0.1"], usage: "server" } as const;
    const { certificatePem, privateKeyPem } = await issueCertificate(authority, {
      commonName: "w",
      ...place,
    });
    webhook = createServer({ cert: certificatePem, key: privateKeyPem }, async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const { token } = JSON.parse(body).spec;
      asked.push(token);
      const status = token === "good" ? { authenticated: true, user: { username: "jane" } } : {};
      response.end(JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", status }));
    });
    webhook.listen(0, "127.0.0.1");
    await once(webhook, "listening");
    folder = await mkdtemp(join(tmpdir(), "pintle-token-webhook-"));
    const file = join(folder, "kubeconfig.json");
    await writeFile(file, kubeconfig((webhook.address() as AddressInfo).port, authority.certificatePem));
    const flag = (name: keyof typeof remoteTokenFlags, value: string) => [`--${name}`, value];
    const { flags } = parseFlags(remoteTokenFlags, [
      ...flag("authentication-token-webhook-config-file", file),
      ...flag("authentication-token-webhook-version", "v1"),
      ...flag("authentication-token-webhook-cache-ttl", "30s"),
    ]);
    const problems: string[] = [];
    const authentication = { ...certificatesOnly, webhook: webhookConfig(flags, problems) };
    assert.deepEqual(problems, []);
    const clock = {
      ...systemClock,
      monotonicMs: () => systemClock.monotonicMs() + aheadMs,
      wallMs: () => systemClock.wallMs() + aheadMs,
    };
    api = await startTestApiserver({ config: { authentication }, clock });
  });
  after(async () => {
    await api.stop();
    webhook.closeAllConnections();
    webhook.close();
    await rm(folder, { recursive: true });
  });

  const show = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const { code, body } = await api.stranger.call("POST", selfReviews, { body: {}, headers });
    return [code, body.status?.userInfo?.username];
  };

  for (const [token, wanted] of [
    ["good", [201, "jane"]],
    ["bad", [401, undefined]],
  ] as const)
    it(`asks about a ${token} token again after --authentication-token-webhook-cache-ttl, and not before`, async () => {
      asked.length = 0;
      assert.deepEqual(await show(token), wanted);
      aheadMs += 20_000;
      assert.deepEqual(await show(token), wanted);
      assert.deepEqual(asked, [token]);
      aheadMs += 10_000;
      assert.deepEqual(await show(token), wanted);
      assert.deepEqual(asked, [token, token]);
    });
});

function kubeconfig(port: number, caPem: string): string {
  const authority = Buffer.from(caPem).toString("base64");
  const cluster = { server: `https://127.0.0.1:${port}/`, "certificate-authority-data": authority };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "w",
    clusters: [{ name: "w", cluster }],
    users: [{ name: "w", user: {} }],
    contexts: [{ name: "w", context: { cluster: "w", user: "w" } }],
  });
}
