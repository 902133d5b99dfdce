import assert from "node:assert/strict";
import { defaultRbac } from "../rbac/testing.ts";
import type { User } from "./authentication.ts";
import { anonymous } from "./authentication.ts";
import { attributesOf, authorize } from "./authorization.ts";
import { anyOf, superusers } from "./authorizer.ts";
import { requestInfo } from "./request-info.ts";

const authorizer = anyOf(superusers, defaultRbac);
const known = (name: string, ...groups: string[]): User => ({
  name,
  groups: [...groups, "system:authenticated"],
});
const scheduler = known("system:kube-scheduler");
const manager = known("system:kube-controller-manager");

describe("default roles", () => {
  const cases: [user: User, method: string, url: string, allowed: boolean][] = [
    [known("admin", "system:masters"), "DELETE", "/api/v1/nodes/n1", true],
    [anonymous, "GET", "/readyz", true],
    [anonymous, "GET", "/version", true],
    [anonymous, "GET", "/metrics", false],
    [anonymous, "GET", "/api", false],
    [anonymous, "GET", "/api/v1/pods", false],
    [anonymous, "GET", "/livez", true],
    [anonymous, "GET", "/livez/ping", false],
    [anonymous, "GET", "/openapi/v3", false],
    [anonymous, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", false],
    [known("jane"), "GET", "/apis/apps/v1", true],
    [known("jane"), "GET", "/openapi/v3", true],
    [known("jane"), "GET", "/metrics", false],
    [known("jane", "system:monitoring"), "GET", "/metrics", true],
    [known("jane"), "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", true],
    [known("jane"), "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", false],
    [known("jane"), "GET", "/api/v1/pods", false],
    [known("jane"), "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", true],
    [scheduler, "POST", "/api/v1/namespaces/a/pods/p/binding", true],
    [scheduler, "GET", "/api/v1/secrets", false],
    [scheduler, "DELETE", "/api/v1/nodes/n1", false],
    [manager, "GET", "/api/v1/secrets", true],
    [manager, "POST", "/apis/apps/v1/namespaces/a/replicasets", true],
    [manager, "POST", "/api/v1/namespaces/a/pods/p/exec", false],
    [manager, "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", false],
    [manager, "PATCH", "/api/v1/namespaces/a/services/s", true],
    // A name that looks like a node's is nothing without the group.
    [known("system:node:n1"), "GET", "/api/v1/pods", false],
  ];
  for (const [user, method, url, allowed] of cases)
    it(`${user.name} ${allowed ? "may" : "may not"} ${method} ${url}`, async () => {
      assert.equal((await authorizer(user, attributesOf(requestInfo(method, url)))).allowed, allowed);
    });

  it("refuses in Kubernetes' words", async () => {
    await assert.rejects(
      authorize(authorizer, known("jane"), requestInfo("GET", "/apis/apps/v1/namespaces/a/deployments/d")),
      {
        code: 403,
        message:
          'deployments.apps "d" is forbidden: User "jane" cannot get resource "deployments" in API group "apps" in the namespace "a"',
      },
    );
    await assert.rejects(authorize(authorizer, anonymous, requestInfo("GET", "/metrics")), {
      message: 'forbidden: User "system:anonymous" cannot get path "/metrics"',
    });
  });
});
