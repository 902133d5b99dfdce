import assert from "node:assert/strict";
import { createPrivateKeyPem, makeCertificateRequest } from "../../../base/os/make-certificate-request.ts";
import { resources } from "../../../client/resources.ts";
import { joining, nodesGroup, removedAtMs } from "../../../client/rules/joining-nodes.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import type { CertificateSigningRequest, Node } from "../../../client/types.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { nodeApprovingController } from "./node-approving-controller.ts";
import { judgeNodeRequest } from "./plan-node-approval.ts";
import { planSigning } from "./plan-signing.ts";

const approved = { type: "Approved", status: "True", lastUpdateTime: "2026-01-01T00:00:00Z" };

interface Asked {
  readonly name?: string;
  readonly groups?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  readonly key?: string;
}

async function joinRequest(asked: Asked = {}, object = "r"): Promise<CertificateSigningRequest> {
  const { name = "n1", groups = ["system:bootstrappers", joining.group] } = asked;
  const names = { commonName: `system:node:${name}`, organizations: [nodesGroup], ...asked };
  const pem = makeCertificateRequest(names, asked.key ?? (await createPrivateKeyPem()));
  return {
    metadata: { name: object, creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: {
      request: Buffer.from(pem).toString("base64"),
      signerName: joining.clientSigner,
      usages: ["digital signature", "client auth"],
      username: "system:bootstrap:abcdef",
      groups,
    },
  } as unknown as CertificateSigningRequest;
}

async function servingRequest(asked: Asked, user = asked.name ?? "n1"): Promise<CertificateSigningRequest> {
  const made = await joinRequest({ groups: [nodesGroup], ...asked });
  const usages = ["digital signature", "server auth"];
  return {
    ...made,
    spec: { ...made.spec, signerName: joining.servingSigner, usages, username: `system:node:${user}` },
  };
}

const node = (name: string, ...addresses: readonly string[]) =>
  ({
    metadata: { name },
    status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) },
  }) as unknown as Node;

const none = { nodes: [], requests: [], apiAddresses: new Set<string>() };

describe("a machine's certificate as a node", () => {
  it("is approved for who joins by a token, as a node that there is not, and for nobody else", async () => {
    const verdict = async (asked: Asked, facts: Partial<typeof none> & object = {}) => {
      const found = judgeNodeRequest(await joinRequest(asked), { ...none, ...facts });
      return found === undefined ? "not ours" : found.verdict;
    };
    assert.equal(await verdict({}), "approve");
    assert.equal(await verdict({ groups: ["system:bootstrappers"] }), "not ours");
    assert.equal(await verdict({ groups: [nodesGroup] }), "not ours");
    for (const name of ["localhost", "kubernetes", "kubernetes.default.svc", "N1", "a/b", ""])
      assert.equal(await verdict({ name }), "deny", name);
    assert.equal(await verdict({ dnsNames: ["n1"] }), "deny");
    assert.equal(await verdict({}, { nodes: [node("n2")] } as object), "approve");
    assert.equal(await verdict({}, { nodes: [node("n1")] } as object), "deny");
  });

  it("is refused to a second machine of the same name, but not to the first when it asks again", async () => {
    const key = await createPrivateKeyPem();
    const first = { ...(await joinRequest({ key }, "first")), status: { conditions: [approved] } };
    const requests = [first] as CertificateSigningRequest[];
    const again = await joinRequest({ key }, "again");
    assert.equal(judgeNodeRequest(again, { ...none, requests })?.verdict, "approve");
    const second = judgeNodeRequest(await joinRequest({}, "second"), { ...none, requests });
    assert.equal(second?.verdict, "deny");
    assert.match(second?.message ?? "", /another machine joins as n1: .*pintle node remove n1/);
    assert.equal(judgeNodeRequest(first as CertificateSigningRequest, { ...none, requests }), undefined);
  });

  it("to serve with is approved for its own name and for addresses that are its own alone", async () => {
    const facts = {
      ...none,
      nodes: [node("n1", "10.0.0.1", "fd00::1", "10.0.0.9"), node("n2", "10.0.0.2", "10.0.0.9")],
      apiAddresses: new Set(["10.0.0.5", "10.96.0.1"]),
    };
    const verdict = async (asked: Asked, user?: string) =>
      judgeNodeRequest(await servingRequest(asked, user), facts)?.verdict;
    assert.equal(await verdict({ dnsNames: ["n1"], addresses: ["10.0.0.1", "fd00:0:0::1"] }), "approve");
    assert.equal(await verdict({ addresses: ["10.0.0.1"] }), "approve");
    for (const address of ["10.0.0.2", "10.0.0.3", "10.0.0.5", "10.0.0.9", "10.96.0.1", "127.0.0.1", "::1"])
      assert.equal(await verdict({ addresses: [address] }), "hold", address);
    for (const name of ["n2", "kubernetes.default.svc", "*.example.com"])
      assert.equal(await verdict({ dnsNames: [name], addresses: ["10.0.0.1"] }), "hold", name);
    assert.equal(await verdict({ addresses: ["10.0.0.1"] }, "n2"), "hold");
    assert.equal(await verdict({ name: "n3", addresses: ["10.0.0.1"] }), "hold");
    const stranger = await servingRequest({ addresses: ["10.0.0.1"], groups: ["system:bootstrappers"] });
    assert.equal(judgeNodeRequest(stranger, facts), undefined);
    // Its Node may say of itself what it likes: nobody signs for the API servers, or for the loopback.
    const liar = [node("n1", "10.0.0.5", "10.96.0.1", "127.0.0.1", "::ffff:7f00:1", "169.254.169.254")];
    for (const address of ["10.0.0.5", "10.96.0.1", "127.0.0.1", "::ffff:7f00:1", "169.254.169.254"]) {
      const asked = await servingRequest({ addresses: [address] });
      assert.equal(judgeNodeRequest(asked, { ...facts, nodes: liar })?.verdict, "hold", address);
    }
  });

  it("waits until its node says its addresses, and is approved then", async () => {
    const api = new FakeApi();
    const decided: string[] = [];
    const raw = async (_: string, path: string, body: CertificateSigningRequest) => {
      const [condition] = body.status?.conditions ?? [];
      decided.push(`${path.split("/").at(-2)} ${condition?.type}: ${condition?.message}`);
      return "";
    };
    await api.create(resources.certificatesigningrequests, await servingRequest({ addresses: ["10.0.0.1"] }));
    const rig = await controllerRig(nodeApprovingController, { api: Object.assign(api, { raw }) });
    await rig.settle();
    assert.deepEqual(decided, []);
    await api.create(resources.nodes, node("n1", "10.0.0.1"));
    await rig.settle();
    assert.deepEqual(decided, ["r Approved: Node n1 serves under its own name and addresses."]);
    await rig.stop();
  });

  it("begins no earlier than the node's removal, or it would be refused as the one before", async () => {
    const request = { ...(await joinRequest()), status: { conditions: [approved] } };
    const nowMs = Date.UTC(2026, 0, 1);
    const signing = { nowMs, durationMsMax: 3_600_000, authorityNotAfterMs: nowMs + 1e10 };
    const begins = (notBeforeMsMin?: number) => {
      const plan = planSigning(request as CertificateSigningRequest, {
        ...signing,
        ...(notBeforeMsMin !== undefined && { notBeforeMsMin }),
      });
      assert.ok(plan.action === "sign");
      return plan.terms.notBeforeMs - nowMs;
    };
    assert.equal(begins(), -300_000);
    assert.equal(begins(nowMs - 400_000), -300_000);
    assert.equal(begins(nowMs - 1000), -1000);
    const map = { data: { n1: "2026-01-01T00:00:00Z", n2: "soon" } };
    assert.equal(removedAtMs(map, "n1"), nowMs);
    assert.equal(removedAtMs(map, "n2"), Number.POSITIVE_INFINITY);
    assert.equal(removedAtMs(map, "constructor"), undefined);
    assert.equal(removedAtMs(undefined, "n1"), undefined);
  });
});
