import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { answersOf, type Sequences } from "./recorded-answers.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const sequences: Sequences = JSON.parse(
  readFileSync(new URL("testdata/certificate-answers.json", import.meta.url), "utf8"),
);
const requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const body = (name: string, signerName: string) => {
  const first = sequences["approved and signed"]?.[0]?.body as { spec: { request: string } };
  return { metadata: { name }, spec: { request: first.spec.request, signerName, usages: ["client auth"] } };
};

/** Without what only the sender's certificate or token says. */
function withoutSender(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, one: unknown) => {
      if (name !== "spec") return one;
      const { uid: _, extra: __, ...rest } = one as Record<string, unknown>;
      return rest;
    }),
  );
}

describe("requests for certificates", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  describe("are answered as kube-apiserver 1.36.3 answers them:", () => {
    for (const [name, steps] of Object.entries(sequences))
      it(name, async () => {
        const given = await answersOf(server.admin, steps, "spaced");
        for (const [step, { ask, answer, body: sent }] of steps.entries())
          assert.deepEqual(
            withoutSender(given[step]?.answer),
            withoutSender(answer),
            `${ask} ${JSON.stringify(sent)}`,
          );
      });
  });

  it("say who asked, whatever the sender says", async () => {
    const jane = await server.clientFor("jane", ["dev"]);
    await grant("jane", [
      { apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests"], verbs: ["create"] },
    ]);
    const sent = body("who", "example.com/x");
    const { code, body: made } = await jane.call("POST", requests, {
      body: { ...sent, spec: { ...sent.spec, username: "root", groups: ["system:masters"], uid: "0" } },
    });
    assert.equal(code, 201);
    assert.equal(made.spec.username, "jane");
    assert.deepEqual(made.spec.groups, ["dev", "system:authenticated"]);
    assert.equal(made.spec.uid, undefined);
  });

  it("are decided and signed only by who may for the signer, or for all of its domain", async () => {
    await server.admin.call("POST", requests, { body: body("mine", "example.com/x") });
    const doors = ["approval", "status"].map((name) => `certificatesigningrequests/${name}`);
    const general = [{ apiGroups: ["certificates.k8s.io"], resources: doors, verbs: ["update", "patch"] }];
    const signers = (verb: string, name: string) => [
      { apiGroups: ["certificates.k8s.io"], resources: ["signers"], resourceNames: [name], verbs: [verb] },
    ];
    const tried = async (who: string, door: string, change: object) => {
      const client = await server.clientFor(who);
      const answer = await client.call("PATCH", `${requests}/mine/${door}?dryRun=All`, {
        body: { status: change },
        type: "application/merge-patch+json",
      });
      return [answer.code, answer.body.message];
    };
    await grant("nobody", general);
    await grant("one", [...general, ...signers("approve", "example.com/x")]);
    await grant("all", [...general, ...signers("sign", "example.com/*")]);
    const approved = { conditions: [{ type: "Approved", status: "True", reason: "r" }] };
    const failed = { conditions: [{ type: "Failed", status: "True", reason: "r" }] };
    const refused = (verb: string) => [
      403,
      `certificatesigningrequests.certificates.k8s.io "mine" is forbidden: user not permitted to ${verb} requests with signerName "example.com/x"`,
    ];
    assert.deepEqual(await tried("nobody", "approval", approved), refused("approve"));
    assert.deepEqual(await tried("all", "approval", approved), refused("approve"));
    assert.equal((await tried("one", "approval", approved))[0], 200);
    assert.deepEqual(await tried("one", "status", failed), refused("sign"));
    assert.equal((await tried("all", "status", failed))[0], 200);
    assert.equal((await tried("nobody", "status", {}))[0], 200, "nothing is signed");
  });

  async function grant(user: string, rules: readonly object[]): Promise<void> {
    const rbac = "/apis/rbac.authorization.k8s.io/v1";
    const metadata = { name: `of-${user}` };
    await server.admin.call("POST", `${rbac}/clusterroles`, { body: { metadata, rules } });
    await server.admin.call("POST", `${rbac}/clusterrolebindings`, {
      body: {
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: metadata.name },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }],
      },
    });
  }
});
