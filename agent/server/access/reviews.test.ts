import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags } from "../../../base/os/flags.ts";
import { loadKubeconfig } from "../../../client/kubeconfig.ts";
import { resources } from "../../../client/resources.ts";
import { RestClient } from "../../../client/rest.ts";
import { issuingConfig, newSigningKey } from "../../../controlplane/apiserver/authentication/testing.ts";
import { startTestApiserver, type TestApiserver } from "../../../controlplane/apiserver/testing.ts";
import { agentFlags } from "../../flags.ts";
import { nodeIdentity, openAdministrator } from "../../testing/whole-node.ts";
import { type Reviews, reviewsBy } from "./reviews.ts";

// A node with a node's rights asks a whole API server.
describe("what API servers say of a node's callers", () => {
  let dir: string;
  let api: TestApiserver;
  let client: RestClient;
  let node: RestClient;
  let reviews: Reviews;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-reviews-"));
    api = await startTestApiserver({ config: { authentication: issuingConfig(newSigningKey().pem) } });
    const { kubeconfig, "node-name": name = "" } = parseFlags(agentFlags, await nodeIdentity(api, dir)).flags;
    node = new RestClient(loadKubeconfig(kubeconfig));
    reviews = reviewsBy(node, name);
    client = await openAdministrator(api);
  });
  after(async () => {
    node.close();
    client.close();
    await api.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("is whom a service account's token names, and what RBAC lets it have of the node", async () => {
    await client.create(resources.serviceaccounts, { metadata: { name: "scraper", namespace: "default" } });
    const rules = [{ apiGroups: [""], resources: ["nodes/metrics", "nodes/stats"], verbs: ["get"] }];
    await client.raw("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", {
      metadata: { name: "scrapers" },
      rules,
    });
    await client.raw("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
      metadata: { name: "scrapers" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "scrapers" },
      subjects: [{ kind: "ServiceAccount", name: "scraper", namespace: "default" }],
    });
    const path = "/api/v1/namespaces/default/serviceaccounts/scraper/token";
    const { status } = JSON.parse(await client.raw("POST", path, { spec: {} })) as {
      status: { token: string };
    };
    const caller = await reviews.caller(status.token);
    assert.equal(caller?.name, "system:serviceaccount:default:scraper");
    assert.ok(caller.groups.includes("system:serviceaccounts:default"), String(caller.groups));
    assert.equal(await reviews.may(caller, "get", "metrics"), true);
    assert.equal(await reviews.may(caller, "get", "stats"), true);
    assert.equal(await reviews.may(caller, "create", "metrics"), false);
    assert.equal(await reviews.may(caller, "get", "proxy"), false);
  });

  it("is nothing of a token that nobody gave", async () => {
    assert.equal(await reviews.caller("x.y.z"), undefined);
  });

  it("is told of groups, too", async () => {
    assert.equal(await reviews.may({ name: "a", groups: ["system:masters"] }, "create", "proxy"), true);
    assert.equal(await reviews.may({ name: "a", groups: ["system:authenticated"] }, "get", "metrics"), false);
  });
});
