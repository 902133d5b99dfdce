import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { KubeObject, PolicyRule } from "../../../../client/types.ts";
import type { Attributes, ResourceAttributes } from "../../filters/authorization.ts";
import { decide } from "../grants.ts";
import { RbacIndex } from "../rbac-index.ts";
import { followedBy } from "../testing.ts";
import { isSaid, words } from "../testing-words.ts";
import { defaultRoles } from "./default-policy.ts";

interface RecordedRole {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly PolicyRule[] | null;
}

/** The roles of a kube-apiserver, which say what is to be allowed. */
const file = new URL("../testdata/default-policy.json", import.meta.url);
const recorded: Readonly<Record<string, readonly RecordedRole[]>> = JSON.parse(readFileSync(file, "utf8"));

const jane = { name: "jane", groups: ["system:authenticated"] };
const verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"].concat(
  ["use", "bind", "escalate", "impersonate", "approve", "sign", "attest", "proxy"],
  ["request-serviceaccounts-token-audience", "post", "head"],
);

/** Questions that a rule answers with yes, and those beside it. */
function* questionsOf(rule: PolicyRule): Generator<Attributes> {
  const asked = [...rule.verbs, ...verbs].filter((verb) => verb !== "*");
  for (const url of rule.nonResourceURLs ?? [])
    for (const verb of asked)
      for (const path of [
        url.replace("*", "x"),
        url.replace("*", "x/y"),
        `${url}x`,
        url.slice(0, -1),
        "/nosuch",
      ])
        yield { verb, path };
  for (const group of rule.apiGroups ?? [])
    for (const resource of rule.resources ?? [])
      for (const name of ["", "other", ...(rule.resourceNames ?? [])])
        for (const verb of asked) {
          const [plural = "", ...sub] = resource.replace("*", "nosuchs").split("/");
          const wanted = {
            verb,
            group: group.replace("*", ""),
            plural,
            subresource: sub.join("/"),
            namespace: "",
            name,
          };
          yield wanted;
          yield { ...wanted, group: "other.example.com" };
          yield { ...wanted, plural: "nosuchs" };
          yield { ...wanted, subresource: "nosuch" };
          yield { ...wanted, subresource: "" };
        }
}

/** An index of the default roles, one of which is granted to Jane. */
function granting(kind: string, name: string, namespace: string): RbacIndex {
  const index = new RbacIndex();
  for (const role of defaultRoles())
    followedBy(index, role.kind ?? "").changed(undefined, role as unknown as KubeObject);
  const binding = {
    metadata: { name: "of-jane", ...(namespace !== "" && { namespace }) },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "jane" }],
  };
  const bindings = followedBy(index, namespace === "" ? "ClusterRoleBinding" : "RoleBinding");
  bindings.changed(undefined, binding as unknown as KubeObject);
  return index;
}

const text = (wanted: Attributes) => JSON.stringify(wanted);
const isOfResource = (wanted: Attributes): wanted is ResourceAttributes => !("path" in wanted);

describe("each rule of the default roles", () => {
  for (const [plural, roles] of Object.entries(recorded).filter(([kind]) => kind.endsWith("roles")))
    for (const { metadata, rules } of roles) {
      const { name, namespace: home = "" } = metadata;
      const questions = (rules ?? []).flatMap((rule) => [...questionsOf(rule)]);
      if (questions.length === 0) continue;
      const said = words(rules ?? []);
      const kind = plural === "clusterroles" ? "ClusterRole" : "Role";

      it(`allows what it says to who has ${kind} ${home === "" ? name : `${home}/${name}`}, and nothing beside it`, () => {
        const everywhere = home === "" ? granting(kind, name, "") : undefined;
        const within = granting(kind, name, home || "mine");
        const nobody = granting(kind, "nosuch", "");
        let allowed = 0;
        for (const wanted of questions) {
          const isWanted = isSaid(said, wanted);
          if (isWanted) allowed += 1;
          if (everywhere !== undefined) {
            assert.equal(decide(everywhere, jane, wanted).allowed, isWanted, text(wanted));
            if (isOfResource(wanted))
              assert.equal(decide(everywhere, jane, { ...wanted, namespace: "any" }).allowed, isWanted);
          }
          // In a namespace: there, and nowhere else, and never a path.
          assert.equal(decide(within, jane, wanted).allowed, false, text(wanted));
          if (isOfResource(wanted)) {
            const there = { ...wanted, namespace: home || "mine" };
            assert.equal(decide(within, jane, there).allowed, isWanted, text(there));
            assert.equal(
              decide(within, jane, { ...wanted, namespace: "theirs" }).allowed,
              false,
              text(wanted),
            );
          }
          assert.equal(decide(nobody, jane, wanted).allowed, false, text(wanted));
          assert.equal(decide(everywhere ?? within, { ...jane, name: "joan" }, wanted).allowed, false);
        }
        assert.ok(allowed > 0 && (name === "cluster-admin" || allowed < questions.length), `${allowed}`);
      });
    }
});
