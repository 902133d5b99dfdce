import assert from "node:assert/strict";
import { ApiError } from "../api-error.ts";
import { defaultRbac } from "../rbac/testing.ts";
import type { User } from "./authentication.ts";
import type { Attributes } from "./authorization.ts";
import { anyOf, superusers } from "./authorizer.ts";
import { impersonate } from "./impersonation.ts";
import { wantedUser } from "./impersonation-headers.ts";

const masters = { name: "admin", groups: ["system:masters", "system:authenticated"] };
const authorizer = anyOf(superusers, defaultRbac);
const jane = { name: "jane", groups: ["system:authenticated"] };
const listSecrets: Attributes = {
  verb: "list",
  group: "",
  plural: "secrets",
  subresource: "",
  namespace: "default",
  name: "",
};

async function as(headers: readonly string[], allows: (wanted: string) => boolean = () => true) {
  const wanted = wantedUser(headers);
  assert.ok(wanted);
  const asked: string[] = [];
  const { user } = await impersonate({ requestor: jane, wanted, attributes: listSecrets }, async (_, one) => {
    if ("path" in one) return { allowed: false };
    const text = `${one.verb} ${one.group}/${one.plural}${one.subresource && `/${one.subresource}`} ${one.namespace}:${one.name}`;
    const allowed = allows(text);
    if (allowed) asked.push(text);
    return { allowed };
  });
  return { user, asked };
}
const legacyOnly = (text: string) => text.startsWith("impersonate ");

describe("impersonation", () => {
  it("asks for every part of the identity: user, uid, groups, extra", async () => {
    const { user, asked } = await as(
      [
        ...["Impersonate-User", "bob", "Impersonate-Uid", "u1"],
        ...["Impersonate-Group", "dev", "impersonate-group", "ops"],
        ...["Impersonate-Extra-acme.com%2Fproject", "x", "Impersonate-Extra-acme.com%2Fproject", "y"],
      ],
      legacyOnly,
    );
    assert.deepEqual(asked, [
      "impersonate /users :bob",
      "impersonate authentication.k8s.io/uids :u1",
      "impersonate /groups :dev",
      "impersonate /groups :ops",
      "impersonate authentication.k8s.io/userextras/acme.com/project :x",
      "impersonate authentication.k8s.io/userextras/acme.com/project :y",
    ]);
    assert.deepEqual(user, {
      name: "bob",
      uid: "u1",
      groups: ["dev", "ops", "system:authenticated"],
      extra: { "acme.com/project": ["x", "y"] },
    });
  });

  it("lets a service account act as the node of its pod, asked about no node in particular", async () => {
    const account = {
      name: "system:serviceaccount:kube-system:agent",
      groups: [],
      extra: {
        "authentication.kubernetes.io/node-name": ["n1"],
        "authentication.kubernetes.io/pod-name": ["p"],
      },
    };
    const acting = async (node: string, requestor: User) => {
      const wanted = wantedUser(["Impersonate-User", `system:node:${node}`]);
      assert.ok(wanted);
      const asked: string[] = [];
      const { user } = await impersonate({ requestor, wanted, attributes: listSecrets }, async (who, one) => {
        if (!one.verb.includes("associated-node") || "path" in one) return { allowed: false };
        asked.push(`${one.verb} ${one.plural} ${one.name} ${JSON.stringify(who.extra)}`);
        return { allowed: true };
      });
      return { user, asked };
    };
    const { user, asked } = await acting("n1", account);
    assert.deepEqual(user, { name: "system:node:n1", groups: ["system:nodes", "system:authenticated"] });
    const keys =
      '{"authentication.kubernetes.io/associated-node-keys":["authentication.kubernetes.io/node-name","authentication.kubernetes.io/pod-name"]}';
    assert.deepEqual(asked, [
      `impersonate-on:associated-node:list secrets  ${keys}`,
      `impersonate:associated-node nodes * ${keys}`,
    ]);
    await assert.rejects(acting("n2", account), ApiError);
    await assert.rejects(acting("n1", { ...account, name: "jane" }), ApiError);
    await assert.rejects(acting("n1", { ...account, extra: {} }), ApiError);
  });

  it("gives a service account its groups, unless others are named", async () => {
    const account = ["Impersonate-User", "system:serviceaccount:shop:cart"];
    const plain = await as(account, legacyOnly);
    assert.deepEqual(plain.asked, ["impersonate /serviceaccounts shop:cart"]);
    assert.deepEqual(plain.user.groups, [
      "system:serviceaccounts",
      "system:serviceaccounts:shop",
      "system:authenticated",
    ]);
    const grouped = await as([...account, "Impersonate-Group", "dev"], legacyOnly);
    assert.deepEqual(grouped.user.groups, ["dev", "system:authenticated"]);
  });

  it("adds the group of everybody known, or of the unknown", async () => {
    const groups = async (...headers: string[]) => (await as(headers, legacyOnly)).user.groups;
    assert.deepEqual(await groups("Impersonate-User", "bob"), ["system:authenticated"]);
    assert.deepEqual(await groups("Impersonate-User", "system:anonymous"), ["system:unauthenticated"]);
    assert.deepEqual(await groups("Impersonate-User", "bob", "Impersonate-Group", "system:unauthenticated"), [
      "system:unauthenticated",
    ]);
  });

  it("allows one request of one user where the constrained verbs say so", async () => {
    const allowed = new Set([
      "impersonate-on:user-info:list /secrets default:",
      "impersonate:user-info authentication.k8s.io/users :bob",
    ]);
    assert.equal((await as(["Impersonate-User", "bob"], (text) => allowed.has(text))).user.name, "bob");
    await assert.rejects(
      as(["Impersonate-User", "eve"], (text) => allowed.has(text)),
      ApiError,
    );
    const node = await as(["Impersonate-User", "system:node:n1"], (text) => /:arbitrary-node/.test(text));
    assert.deepEqual(node.user.groups, ["system:nodes", "system:authenticated"]);
  });

  it("lets only the plain verb reach system:masters", async () => {
    const headers = ["Impersonate-User", "bob", "Impersonate-Group", "system:masters"];
    await assert.rejects(
      as(headers, (text) => !legacyOnly(text)),
      /impersonating the system:masters group/,
    );
    assert.ok((await as(headers)).user.groups.includes("system:masters"));
  });

  it("refuses in Kubernetes' words", async () => {
    const wanted = wantedUser(["Impersonate-User", "<bob>"]);
    assert.ok(wanted);
    await assert.rejects(impersonate({ requestor: jane, wanted, attributes: listSecrets }, authorizer), {
      code: 403,
      message:
        'secrets is forbidden: User "jane" cannot impersonate-on:user-info:list resource "secrets" in API group "" in the namespace "default"',
    });
    assert.equal(
      (await impersonate({ requestor: masters, wanted, attributes: listSecrets }, authorizer)).user.name,
      "<bob>",
    );
  });

  it("refuses half an identity rather than dropping it", async () => {
    assert.equal(wantedUser(["Accept", "*/*"]), undefined);
    const refused = (message: RegExp | string, ...headers: string[]) =>
      assert.throws(() => wantedUser(headers), { code: 400, message });
    refused(
      'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"dev"}, Extra:map[string][]string(nil)} without impersonating a user name',
      "Impersonate-Group",
      "dev",
    );
    assert.equal(wantedUser(["Impersonate-User", ""]), undefined);
    refused(/without impersonating a user name/, "Impersonate-User", "", "Impersonate-Group", "");
    refused(/without impersonating a user name/, "Impersonate-Extra-Scopes", "view");
    refused(/may be given once/, "Impersonate-User", "a", "Impersonate-User", "b");
    refused(
      /unknown impersonation header "impersonate-groups"/,
      "Impersonate-User",
      "a",
      "Impersonate-Groups",
      "b",
    );
  });
});
