import assert from "node:assert/strict";
import { createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const path = "/apis/certificates.k8s.io/v1beta1/clustertrustbundles";

describe("cluster trust bundles", () => {
  let api: TestApiserver;
  let one: string;
  let two: string;
  before(async () => {
    const features = new Set(["ClusterTrustBundle", "ClusterTrustBundleProjection"] as const);
    api = await startTestApiserver({ config: { features } });
    one = `${(await createAuthority({ name: "one" })).certificatePem.trimEnd()}\n`;
    two = `${(await createAuthority({ name: "two" })).certificatePem.trimEnd()}\n`;
  });
  after(() => api.stop());

  const bundle = (name: string, trustBundle: string, signerName?: string) => ({
    metadata: { name },
    spec: { trustBundle, ...(signerName !== undefined && { signerName }) },
  });
  const make = (body: object) => api.admin.call("POST", path, { body });

  it("are made, listed by their signer, and keep their signer", async () => {
    assert.equal((await make(bundle("plain", one))).code, 201);
    const made = await make(bundle("example.com:ca:v1", one + two, "example.com/ca"));
    assert.equal(made.code, 201, JSON.stringify(made.body));
    const listed = await api.admin.call("GET", `${path}?fieldSelector=spec.signerName%3Dexample.com%2Fca`);
    assert.deepEqual(
      listed.body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
      ["example.com:ca:v1"],
    );
    const body = { ...made.body, spec: { ...made.body.spec, signerName: "example.com/other" } };
    const moved = await api.admin.call("PUT", `${path}/example.com:ca:v1`, { body });
    assert.equal(moved.code, 422);
    assert.match(
      moved.body.message,
      /spec.signerName: Invalid value: "example.com\/other": field is immutable/,
    );
  });

  it("are refused with what is wrong of them", async () => {
    const leaf = (
      await issueCertificate(await createAuthority({ name: "a" }), { commonName: "leaf", usage: "client" })
    ).certificatePem;
    const other = one.replaceAll("CERTIFICATE", "PUBLIC KEY");
    const value = 'spec.trustBundle: Invalid value: "<value omitted>": ';
    for (const [body, why] of [
      [bundle("b", ""), `${value}at least one trust anchor must be provided`],
      [bundle("b", one + one), `${value}duplicate trust anchor (indices [0 1])`],
      [bundle("b", one + other), `${value}entry 1 has bad block type: PUBLIC KEY`],
      [bundle("b", leaf), `${value}entry 0 does not have the CA bit set`],
      [
        bundle("b", one.replace(/[A-Za-z0-9]{40}/, "A".repeat(40))),
        `${value}entry 0 does not parse as X.509`,
      ],
      [
        bundle("b", "x".repeat(1024 * 1024 + 1)),
        "spec.trustBundle: Too long: may not be more than 1048576 bytes",
      ],
      [
        bundle("a:b", one),
        'metadata.name: Invalid value: "a:b": ClusterTrustBundle without signer name must not have ":" in its name',
      ],
      [
        bundle("b", one, "example.com/ca"),
        'metadata.name: Invalid value: "b": ClusterTrustBundle for signerName example.com/ca must be named with prefix example.com:ca:',
      ],
    ] as const) {
      const { code, body: said } = await make(body);
      assert.equal(code, 422, why);
      assert.ok(said.message.includes(why), `${said.message}\n${why}`);
    }
  });

  it("of a signer are written by who may attest for it, and read by service accounts and nodes", async () => {
    const may = async (user: string, groups: readonly string[], attributes: object) => {
      const { body } = await api.admin.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        body: { spec: { user, groups, resourceAttributes: { group: "certificates.k8s.io", ...attributes } } },
      });
      return body.status.allowed;
    };
    const read = { verb: "list", resource: "clustertrustbundles" };
    assert.equal(await may("system:serviceaccount:a:b", ["system:serviceaccounts"], read), true);
    assert.equal(await may("system:node:n1", ["system:nodes"], read), true);
    assert.equal(await may("jane", ["system:authenticated"], read), false);
    const rules = [
      { apiGroups: ["certificates.k8s.io"], resources: ["clustertrustbundles"], verbs: ["create"] },
      {
        apiGroups: ["certificates.k8s.io"],
        resources: ["signers"],
        verbs: ["attest"],
        resourceNames: ["example.com/*"],
      },
    ];
    const rbac = "/apis/rbac.authorization.k8s.io/v1";
    await api.admin.call("POST", `${rbac}/clusterroles`, { body: { metadata: { name: "truster" }, rules } });
    await api.admin.call("POST", `${rbac}/clusterrolebindings`, {
      body: {
        metadata: { name: "truster" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "truster" },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "jane" }],
      },
    });
    const jane = await api.clientFor("jane");
    const mine = await jane.call("POST", path, { body: bundle("example.com:ca:v2", one, "example.com/ca") });
    assert.equal(mine.code, 201, JSON.stringify(mine.body));
    const others = await jane.call("POST", path, { body: bundle("other.org:ca:v1", one, "other.org/ca") });
    assert.equal(others.code, 403);
    assert.match(others.body.message, /user not permitted to attest for signerName "other.org\/ca"/);
  });

  it("are named by pods that have them among their files", async () => {
    const make = (clusterTrustBundle: object) =>
      api.admin.call("POST", "/api/v1/namespaces/default/pods?dryRun=All", {
        body: {
          metadata: { name: "p" },
          spec: {
            automountServiceAccountToken: false,
            containers: [{ name: "c", image: "i" }],
            volumes: [{ name: "v", projected: { sources: [{ clusterTrustBundle }] } }],
          },
        },
      });
    const kept = await make({ name: "plain", path: "ca.pem" });
    assert.equal(kept.code, 201, JSON.stringify(kept.body));
    assert.deepEqual(kept.body.spec.volumes[0].projected.sources, [
      { clusterTrustBundle: { name: "plain", path: "ca.pem" } },
    ]);
    for (const [projection, why] of [
      [{ path: "p" }, "clusterTrustBundle: Required value: either name or signerName must be specified"],
      [{ name: "a", signerName: "b.c/d", path: "p" }, "only one of name and signerName may be used"],
      [{ name: "a", labelSelector: {}, path: "p" }, "labelSelector must be unset if name is specified"],
      [{ name: "A", path: "p" }, 'name: Invalid value: "A": not a valid clustertrustbundlename'],
      [{ signerName: "x", path: "p" }, "must be a fully qualified domain and path"],
      [{ name: "a", path: "../p" }, "path: Invalid value"],
      [{ name: "a", path: "" }, "clusterTrustBundle.path: Required value"],
    ] as const) {
      const { code, body } = await make(projection);
      assert.equal(code, 422, why);
      assert.ok(body.message.includes(why), body.message);
    }
  });
});
