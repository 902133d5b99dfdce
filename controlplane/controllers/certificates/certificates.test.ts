import assert from "node:assert/strict";
import { webcrypto, X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import fc from "fast-check";
import { createAuthority } from "../../../base/os/pki.ts";
import { signingAuthority } from "../../../base/os/sign-certificate.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import type { CertificateSigningRequest } from "../../../client/types.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { approvingController } from "./approving-controller.ts";
import { approvalReasons } from "./plan-approval.ts";
import { isOutdated } from "./plan-cleaning.ts";
import { planSigning } from "./plan-signing.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const hourMs = 3_600_000;

async function requestFor(
  name: x509.JsonName,
  names: x509.JsonGeneralNames = [],
): Promise<{ readonly request: string; readonly keys: webcrypto.CryptoKeyPair }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const extensions = names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)];
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: algorithm,
    extensions,
  });
  return { request: Buffer.from(made.toString("pem")).toString("base64"), keys };
}

const nodeName: x509.JsonName = [{ O: ["system:nodes"] }, { CN: ["system:node:n1"] }];
const kubeletClient = "kubernetes.io/kube-apiserver-client-kubelet";
const clientUsages = ["digital signature", "key encipherment", "client auth"];
const approved = { type: "Approved", status: "True", lastUpdateTime: "2026-01-01T00:00:00Z" };

function stored(
  spec: Partial<CertificateSigningRequest["spec"]>,
  status: CertificateSigningRequest["status"] = {},
): CertificateSigningRequest {
  return {
    metadata: { name: "r", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { signerName: kubeletClient, usages: clientUsages, ...spec },
    status,
  } as CertificateSigningRequest;
}

describe("requests for certificates", () => {
  const signing = { nowMs: 0, durationMsMax: 1000 * hourMs, authorityNotAfterMs: 5000 * hourMs };

  it("of a node's agent are approved by the right of who asks, for itself or for any node", async () => {
    const { request } = await requestFor(nodeName);
    const rights = (spec: Partial<CertificateSigningRequest["spec"]>, status = {}) =>
      approvalReasons(stored({ request, ...spec }, status)).map(({ subresource }) => subresource);
    assert.deepEqual(rights({ username: "system:node:n1" }), ["selfnodeclient", "nodeclient"]);
    assert.deepEqual(rights({ username: "system:bootstrap:x" }), ["nodeclient"]);
    assert.deepEqual(rights({ signerName: "kubernetes.io/kubelet-serving" }), []);
    assert.deepEqual(rights({ usages: ["client auth"] }), []);
    assert.deepEqual(rights({}, { conditions: [{ type: "Denied", status: "True" }] }), []);
    assert.deepEqual(rights({}, { certificate: "x" }), []);
    const asServer = await requestFor(nodeName, [{ type: "dns", value: "n1" }]);
    assert.deepEqual(rights({ request: asServer.request }), []);
  });

  it("are signed once they are approved, and fail where their signer does not allow what they ask", async () => {
    const node = await requestFor(nodeName);
    const serving = await requestFor(nodeName, [{ type: "ip", value: "10.0.0.1" }]);
    const jane = await requestFor([{ CN: ["jane"] }]);
    const outcome = (spec: Partial<CertificateSigningRequest["spec"]>, status: object) => {
      const plan = planSigning(stored({ request: node.request, ...spec }, status), signing);
      return plan.action === "fail" ? plan.message : plan.action;
    };
    const yes = { conditions: [approved] };
    const serverUsages = ["digital signature", "server auth"];
    assert.equal(outcome({}, {}), "none");
    assert.equal(outcome({}, { conditions: [approved, { type: "Denied", status: "True" }] }), "none");
    assert.equal(outcome({}, { conditions: [approved, { type: "Failed", status: "True" }] }), "none");
    assert.equal(outcome({}, { ...yes, certificate: "x" }), "none");
    assert.equal(outcome({ signerName: "example.com/x" }, yes), "none");
    assert.equal(outcome({}, yes), "sign");
    assert.equal(outcome({ request: jane.request }, yes), "subject organization is not system:nodes");
    assert.equal(
      outcome({ usages: ["client auth"] }, yes),
      "usages did not match [client auth digital signature key encipherment]",
    );
    const servingSigner = { signerName: "kubernetes.io/kubelet-serving", usages: serverUsages };
    assert.equal(outcome({ ...servingSigner, request: serving.request }, yes), "sign");
    assert.equal(outcome(servingSigner, yes), "DNS or IP subjectAltName is required");
    const client = { signerName: "kubernetes.io/kube-apiserver-client", request: jane.request };
    assert.equal(outcome({ ...client, usages: ["client auth"] }, yes), "sign");
    assert.equal(
      outcome({ ...client, usages: serverUsages }, yes),
      "invalid usage for client certificate: server auth",
    );
    assert.equal(
      outcome({ ...client, usages: ["digital signature"] }, yes),
      "missing required usage for client certificate: client auth",
    );
    assert.equal(
      outcome({ ...client, signerName: "kubernetes.io/legacy-unknown", usages: ["any"] }, yes),
      "sign",
    );
  });

  it("get as much time as they ask for: ten minutes at least, no more than the signer gives or has itself", async () => {
    const { request } = await requestFor(nodeName);
    const span = (expirationSeconds: number | undefined, more = {}) => {
      const spec = { request, ...(expirationSeconds !== undefined && { expirationSeconds }) };
      const plan = planSigning(stored(spec, { conditions: [approved] }), { ...signing, ...more });
      assert.ok(plan.action === "sign");
      assert.equal(plan.terms.notBeforeMs, -300_000);
      return plan.terms.notAfterMs;
    };
    assert.equal(span(undefined), 1000 * hourMs - 300_000);
    assert.equal(span(3600), hourMs);
    assert.equal(span(1), 600_000);
    assert.equal(span(2 ** 31 - 1), 1000 * hourMs - 300_000);
    assert.equal(span(undefined, { authorityNotAfterMs: 7 }), 7);
    assert.throws(() => span(undefined, { authorityNotAfterMs: 0 }), /refusing to sign/);
  });

  it("become certificates with their names and usages, and nothing else that was asked for", async () => {
    const made = await createAuthority({ name: "ca" });
    const authority = signingAuthority(made);
    const { request } = await requestFor(nodeName, [
      { type: "dns", value: "n1" },
      { type: "ip", value: "10.0.0.1" },
      { type: "ip", value: "fd00::1" },
      { type: "url", value: "spiffe://a" },
    ]);
    const nowMs = Date.now();
    const plan = planSigning(
      stored(
        {
          request,
          signerName: "kubernetes.io/legacy-unknown",
          usages: ["server auth", "key agreement", "any"],
        },
        { conditions: [approved] },
      ),
      { nowMs, durationMsMax: hourMs, authorityNotAfterMs: authority.notAfterMs },
    );
    assert.ok(plan.action === "sign");
    const certificate = new X509Certificate(authority.sign(plan.request, plan.terms));
    assert.equal(certificate.subject, "O=system:nodes\nCN=system:node:n1");
    assert.equal(
      certificate.subjectAltName,
      "DNS:n1, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1, URI:spiffe://a",
    );
    assert.deepEqual(certificate.keyUsage, ["2.5.29.37.0", "1.3.6.1.5.5.7.3.1"]);
    assert.equal(certificate.ca, false);
    assert.ok(certificate.verify(new X509Certificate(made.certificatePem).publicKey));
  });

  it("are asked about again sooner at first, and ever later, while their maker has no right", async () => {
    const { request } = await requestFor(nodeName);
    const api = Object.assign(new FakeApi(), {
      raw: async () => JSON.stringify({ status: { allowed: false } }),
    });
    await api.create(resources.certificatesigningrequests, stored({ request }));
    const rig = await controllerRig(approvingController, { api });
    const waits: number[] = [];
    for (let time = 0; time < 15; time++) waits.push((await rig.sync("r"))?.requeueAfterMs ?? 0);
    assert.deepEqual(waits.slice(0, 3), [200, 400, 800]);
    assert.equal(waits.at(-1), 1_000_000);
    await rig.stop();
  });

  it("in any state are signed only when they are approved, and only as their signer allows", async () => {
    const subjects = [nodeName, [{ CN: ["jane"] }], [{ O: ["system:masters"] }, { CN: ["system:node:n1"] }]];
    const requests = await Promise.all(
      (subjects as x509.JsonName[]).flatMap((subject) =>
        [[], [{ type: "dns" as const, value: "n1" }]].map((names) => requestFor(subject, names)),
      ),
    );
    const signers = ["kubelet-serving", "kube-apiserver-client-kubelet", "kube-apiserver-client", "other"];
    const usages = ["digital signature", "key encipherment", "client auth", "server auth", "any"];
    const types = fc.subarray(["Approved", "Denied", "Failed"]);
    const spec = fc.record({
      at: fc.nat(requests.length - 1),
      signer: fc.constantFrom(...signers),
      asked: fc.subarray(usages),
      seconds: fc.option(fc.nat(10_000), { nil: undefined }),
    });
    fc.assert(
      fc.property(spec, types, fc.boolean(), ({ at, signer, asked, seconds }, said, isIssued) => {
        const conditions = said.map((type) => ({ ...approved, type }));
        const one = stored(
          {
            request: requests[at]?.request ?? "",
            signerName: `kubernetes.io/${signer}`,
            usages: asked,
            ...(seconds !== undefined && { expirationSeconds: seconds }),
          },
          { conditions, ...(isIssued && { certificate: "x" }) },
        );
        const plan = planSigning(one, signing);
        const mayBe = said.join() === "Approved" && !isIssued && signer !== "other";
        assert.equal(plan.action !== "none", mayBe);
        if (plan.action !== "sign") return;
        const isOfNodes = plan.request.organizations.join() === "system:nodes";
        if (signer !== "kube-apiserver-client") assert.ok(isOfNodes, "no node became one");
        const isServer = plan.terms.extendedKeyUsages.includes("1.3.6.1.5.5.7.3.1");
        assert.equal(isServer, signer === "kubelet-serving");
        assert.ok(!plan.terms.extendedKeyUsages.includes("2.5.29.37.0"), "for anything");
        assert.ok(plan.terms.notAfterMs <= signing.nowMs + signing.durationMsMax);
        assert.ok(plan.terms.notAfterMs - plan.terms.notBeforeMs >= 600_000);
      }),
      { numRuns: 500 },
    );
  });

  it("go an hour after they were answered, a day after nobody answered, and with their certificate", () => {
    const atMs = Date.parse(approved.lastUpdateTime);
    const outdatedAfter = (status: CertificateSigningRequest["status"], hours: number) =>
      isOutdated(stored({}, status), atMs + hours * hourMs);
    assert.deepEqual([outdatedAfter({}, 23), outdatedAfter({}, 25)], [false, true]);
    for (const type of ["Denied", "Failed"]) {
      const status = { conditions: [{ ...approved, type }] };
      assert.deepEqual([outdatedAfter(status, 0.9), outdatedAfter(status, 1.1)], [false, true], type);
    }
    const waits = { conditions: [approved] };
    assert.deepEqual([outdatedAfter(waits, 2), outdatedAfter(waits, 25)], [false, true]);
    const issued = { conditions: [approved], certificate: "eA==" };
    assert.deepEqual([outdatedAfter(issued, 0.9), outdatedAfter(issued, 1.1)], [false, true]);
  });
});

describe("a cluster's requests for certificates", () => {
  let cluster: TestCluster;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-signing-"));
    cluster = await startTestCluster();
    const { certificatePem, privateKeyPem } = cluster.api.authority;
    await writeFile(join(folder, "ca.pem"), certificatePem);
    await writeFile(join(folder, "ca-key.pem"), privateKeyPem);
  });
  after(async () => {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("are approved, signed, and let their owner in", async () => {
    const signer = await cluster.startManager(
      `--cluster-signing-cert-file=${join(folder, "ca.pem")}`,
      `--cluster-signing-key-file=${join(folder, "ca-key.pem")}`,
      "--controllers=certificatesigningrequest-signing-controller",
    );
    try {
      const subject = { apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "admin" };
      await cluster.api.admin.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
        body: {
          metadata: { name: "approved-nodes" },
          roleRef: {
            apiGroup: "rbac.authorization.k8s.io",
            kind: "ClusterRole",
            name: "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
          },
          subjects: [subject],
        },
      });
      const { request } = await requestFor(nodeName);
      await cluster.client.create(resources.certificatesigningrequests, {
        metadata: { name: "node" },
        spec: { request, signerName: kubeletClient, usages: clientUsages, expirationSeconds: 3600 },
      });
      const found = await cluster.until(resources.certificatesigningrequests, "a certificate", (all) =>
        all.find(({ metadata, status }) => metadata.name === "node" && status?.certificate),
      );
      assert.equal(found.status?.conditions?.[0]?.reason, "AutoApproved");
      const pem = Buffer.from(found.status?.certificate ?? "", "base64").toString();
      const certificate = new X509Certificate(pem);
      assert.equal(certificate.subject, "O=system:nodes\nCN=system:node:n1");
      assert.ok(certificate.verify(new X509Certificate(cluster.api.authority.certificatePem).publicKey));
    } finally {
      await signer.stop();
    }
  });

  it("that their signer does not allow are said to have failed", async () => {
    const signer = await cluster.startManager(
      `--cluster-signing-cert-file=${join(folder, "ca.pem")}`,
      `--cluster-signing-key-file=${join(folder, "ca-key.pem")}`,
      "--controllers=certificatesigningrequest-signing-controller",
    );
    try {
      const { request } = await requestFor([{ CN: ["jane"] }]);
      await cluster.client.create(resources.certificatesigningrequests, {
        metadata: { name: "jane" },
        spec: {
          request,
          signerName: "kubernetes.io/kube-apiserver-client",
          usages: ["server auth"],
        },
      });
      await cluster.client.patch(
        resources.certificatesigningrequests,
        { name: "jane" },
        { status: { conditions: [approved] } },
        { type: "merge", subresource: "approval" },
      );
      const failed = await cluster.until(resources.certificatesigningrequests, "a failure", (all) =>
        all
          .find(({ metadata }) => metadata.name === "jane")
          ?.status?.conditions?.find(({ type }) => type === "Failed"),
      );
      assert.equal(failed.message, "invalid usage for client certificate: server auth");
    } finally {
      await signer.stop();
    }
  });
});
