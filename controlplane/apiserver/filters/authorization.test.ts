import assert from "node:assert/strict";
import type { User } from "./authentication.ts";
import { anonymous } from "./authentication.ts";
import { attributesOf, authorize, isAllowed, ruleAuthorizer } from "./authorization.ts";
import { requestInfo } from "./request-info.ts";

const known = (name: string, ...groups: string[]): User => ({
  name,
  groups: [...groups, "system:authenticated"],
});
const node = known("system:node:n1", "system:nodes");
const scheduler = known("system:kube-scheduler");
const manager = known("system:kube-controller-manager");

describe("access rules", () => {
  const cases: [user: User, method: string, url: string, allowed: boolean][] = [
    [known("admin", "system:masters"), "DELETE", "/api/v1/nodes/n1", true],
    [anonymous, "GET", "/readyz", true],
    [anonymous, "GET", "/version", true],
    [anonymous, "GET", "/metrics", false],
    [anonymous, "GET", "/api", false],
    [anonymous, "GET", "/api/v1/pods", false],
    [known("jane"), "GET", "/apis/apps/v1", true],
    [known("jane"), "GET", "/api/v1/pods", false],
    [known("jane"), "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", true],
    [scheduler, "POST", "/api/v1/namespaces/a/pods/p/binding", true],
    [scheduler, "GET", "/api/v1/secrets", false],
    [scheduler, "DELETE", "/api/v1/nodes/n1", false],
    [manager, "GET", "/api/v1/secrets", true],
    [manager, "POST", "/apis/apps/v1/namespaces/a/replicasets", true],
    [node, "PATCH", "/api/v1/nodes/n1/status", true],
    [node, "PATCH", "/api/v1/nodes/n2/status", false],
    [node, "PATCH", "/api/v1/namespaces/a/pods/p/status", true],
    [node, "PATCH", "/api/v1/namespaces/a/pods/p", false],
    [node, "DELETE", "/api/v1/namespaces/a/configmaps/c", false],
    // A name that looks like a node's is nothing without the group.
    [known("system:node:n1"), "GET", "/api/v1/pods", false],
  ];
  for (const [user, method, url, allowed] of cases)
    it(`${user.name} ${allowed ? "may" : "may not"} ${method} ${url}`, () => {
      assert.equal(isAllowed(user, attributesOf(requestInfo(method, url))), allowed);
    });

  it("refuses in Kubernetes' words", async () => {
    await assert.rejects(
      authorize(
        ruleAuthorizer,
        known("jane"),
        requestInfo("GET", "/apis/apps/v1/namespaces/a/deployments/d"),
      ),
      {
        code: 403,
        message:
          'deployments.apps "d" is forbidden: User "jane" cannot get resource "deployments" in API group "apps" in the namespace "a"',
      },
    );
    await assert.rejects(authorize(ruleAuthorizer, anonymous, requestInfo("GET", "/metrics")), {
      message: 'forbidden: User "system:anonymous" cannot get path "/metrics"',
    });
  });
});
