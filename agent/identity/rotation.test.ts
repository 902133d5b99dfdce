import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deferred } from "../../base/deferred.ts";
import { type Clock, systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import { joining } from "../../client/rules/joining-nodes.ts";
import { pinnedCertificates } from "../../client/rules/public-key-pin.ts";
import { certificatesOnly } from "../../controlplane/apiserver/authentication/config.ts";
import { testOs } from "../../controlplane/apiserver/testing.ts";
import { startTestCluster, type TestCluster } from "../../controlplane/controllers/testing/cluster.ts";
import type { JoinConfig } from "./flags.ts";
import type { KeptCertificate } from "./identity-folder.ts";
import { becomeMember, restOf } from "./join.ts";
import { keepCertificate } from "./keep-certificate.ts";

const lifeSeconds = 3_600;
/** What was asked for as a wait for a renewal; nobody has to sit through it. */
const waitsMs: number[] = [];
const hurried: Clock = {
  ...systemClock,
  after: (delayMs, fire) => {
    if (delayMs > 60_000) waitsMs.push(delayMs);
    return systemClock.after(Math.min(delayMs, 50), fire);
  },
};
const soonest = { ...testOs(), clock: hurried, random: { uint32: () => 0 } };
const token = { id: "abcdef", secret: "0123456789abcdef" };

describe("a node's certificates", function () {
  this.timeout(60_000);
  let folder: string;
  let cluster: TestCluster;
  let signer: { stop(): Promise<void> };
  let tasks: TaskScope;
  let join0: JoinConfig;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-rotation-"));
    cluster = await startTestCluster({
      config: { authentication: { ...certificatesOnly, bootstrapTokens: true } },
    });
    const { certificatePem, privateKeyPem } = cluster.api.authority;
    await writeFile(join(folder, "ca.pem"), certificatePem);
    await writeFile(join(folder, "ca-key.pem"), privateKeyPem);
    signer = await cluster.startManager(
      `--root-ca-file=${join(folder, "ca.pem")}`,
      `--cluster-signing-cert-file=${join(folder, "ca.pem")}`,
      `--cluster-signing-key-file=${join(folder, "ca-key.pem")}`,
      `--cluster-signing-duration=${lifeSeconds}s`,
      "--controllers=certificatesigningrequest-signing-controller,node-certificate-approving-controller,cluster-info-controller",
    );
    tasks = new TaskScope(silentLog);
    await cluster.client.create(resources.secrets, {
      metadata: { name: `bootstrap-token-${token.id}`, namespace: "kube-system" },
      type: "bootstrap.kubernetes.io/token",
      stringData: {
        "token-id": token.id,
        "token-secret": token.secret,
        "usage-bootstrap-authentication": "true",
        "auth-extra-groups": joining.group,
      },
    });
    await cluster.until(resources.configmaps, "how machines join", (all) =>
      all.some(({ metadata }) => metadata.namespace === "kube-public" && metadata.name === "cluster-info"),
    );
    join0 = {
      server: cluster.api.url,
      nodeName: "n1",
      token,
      pins: pinnedCertificates(certificatePem).map(({ pin }) => pin),
      folder: join(folder, "identity"),
    };
  });
  after(async () => {
    await tasks?.stop();
    await signer?.stop();
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("are renewed before they end, both of them, and the next counts without a restart", async () => {
    const member = await becomeMember(join0, testOs());
    const client = new RestClient(member.rest);
    const first = await member.folder.certificate("client");
    assert.ok(first);
    // The Node says the address that it is to serve under.
    await client.create(resources.nodes, { metadata: { name: "n1" } });
    const addresses = [{ type: "InternalIP", address: "10.9.9.9" }];
    await client.patch(
      resources.nodes,
      { name: "n1" },
      { status: { addresses } },
      { type: "merge", subresource: "status" },
    );
    const seen: Record<"client" | "serving", KeptCertificate[]> = { client: [], serving: [] };
    const enough = deferred<void>();
    const look = () => {
      if (seen.client.length >= 1 && seen.serving.length >= 2) enough.resolve();
    };
    for (const purpose of ["client", "serving"] as const)
      tasks.run(purpose, (signal) =>
        keepCertificate(
          {
            purpose,
            nodeName: "n1",
            addresses: ["10.9.9.9"],
            folder: member.folder,
            client,
            os: soonest,
            onFailure: () => undefined,
            onCertificate: (certificate) => {
              seen[purpose].push(certificate);
              if (purpose === "client") client.renew(restOf(member.cluster, certificate));
              look();
            },
          },
          signal,
        ),
      );
    await Promise.race([enough.promise, tasks.untilStopped()]);
    for (const waitMs of waitsMs) {
      const share = waitMs / (1_000 * lifeSeconds);
      assert.ok(share > 0.65 && share <= 0.7, `waits for ${share} of a certificate's life`);
    }
    assert.equal(
      new Set([first, ...seen.client].map((one) => one.privateKeyPem)).size,
      1 + seen.client.length,
      "a key is used twice",
    );
    assert.deepEqual(seen.serving[0]?.addresses, ["10.9.9.9"]);
    // The same client is known by the new one.
    const review = await client.raw("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
      apiVersion: "authentication.k8s.io/v1",
      kind: "SelfSubjectReview",
    });
    const { fingerprint256 } = new X509Certificate(seen.client.at(-1)?.certificatePem ?? "");
    assert.ok(review.includes(`X509SHA256=${fingerprint256.replaceAll(":", "").toLowerCase()}`), review);
    // What it has is enough to begin again with, without a token.
    await tasks.stop();
    const again = await becomeMember({ ...join0, token: undefined, pins: [] }, testOs());
    assert.equal(again.rest.certificatePem, (await member.folder.certificate("client"))?.certificatePem);
    client.close();
  });
});
