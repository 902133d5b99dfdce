import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import type { PolicyRule } from "../../client/types.ts";
import type { Attributes, ResourceAttributes } from "../../controlplane/apiserver/filters/authorization.ts";
import { isSaid, words } from "../../controlplane/apiserver/rbac/testing-words.ts";
import { isStored } from "../../controlplane/apiserver/registry/kind-table.ts";
import { kinds } from "../../controlplane/apiserver/resources/table.ts";
import { good } from "../../controlplane/apiserver/resources/testing/good-objects.ts";
import {
  startTestApiserver,
  type TestApiserver,
  type TestClient,
} from "../../controlplane/apiserver/testing.ts";
import { propertyMs, runs } from "./runs.ts";

/** What a kube-apiserver gives to everybody, and to whom. */
const file = new URL("../../controlplane/apiserver/rbac/testdata/default-policy.json", import.meta.url);
const policy = JSON.parse(readFileSync(file, "utf8"));

function rulesOfRole(name: string): readonly PolicyRule[] {
  return policy.clusterroles.find((one: Named) => one.metadata.name === name)?.rules ?? [];
}
function rulesOfGroups(groups: readonly string[]): readonly PolicyRule[] {
  const bound = policy.clusterrolebindings.filter(({ subjects = [] }: Bound) =>
    subjects.some(({ kind, name }) => kind === "Group" && groups.includes(name)),
  );
  return bound.flatMap(({ roleRef }: Bound) => rulesOfRole(roleRef.name));
}
interface Named {
  readonly metadata: { readonly name: string };
}
interface Bound {
  readonly roleRef: { readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[];
}

/** A resource or subresource as discovery has it. */
interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly subresource: string;
  readonly namespaced: boolean;
}

/** Verbs of access rules and how they are asked for. */
const asking: Readonly<Record<string, readonly [method: string, ofOne: boolean, query: string]>> = {
  get: ["GET", true, ""],
  list: ["GET", false, ""],
  watch: ["GET", false, "watch=true&timeoutSeconds=1"],
  create: ["POST", false, "dryRun=All"],
  update: ["PUT", true, "dryRun=All"],
  patch: ["PATCH", true, "dryRun=All"],
  delete: ["DELETE", true, "dryRun=All"],
  deletecollection: ["DELETE", false, "dryRun=All"],
};

/** What must not make a refusal another one: access is decided before anything is looked at. */
const additions: readonly (readonly [query: string, headers: Readonly<Record<string, string>>])[] = [
  ["", {}],
  ["fieldSelector=metadata.name%3Dobj", {}],
  ["labelSelector=secret-of", {}],
  ["fieldSelector=metadata.namespace%3Dmine", {}],
  ["resourceVersion=1&resourceVersionMatch=Exact", {}],
  ["resourceVersion=99999999", {}],
  ["resourceVersion=x&limit=-1", {}],
  ["continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0", {}],
  ["dryRun=x&fieldManager=%00", {}],
  ["", { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" }],
  ["", { accept: "text/none" }],
  ["", { "content-type": "text/none" }],
  ["", { "if-none-match": "*" }],
];

const secret = "bytesofanother";

/** A role as people write them, tried before those of chance. */
const usual = [
  { apiGroups: [""], resources: ["pods", "configmaps", "serviceaccounts"], verbs: ["get", "list", "create"] },
  { apiGroups: ["", "apps"], resources: ["deployments", "pods/exec"], verbs: ["*"] },
  { apiGroups: ["*"], resources: ["*/scale"], verbs: ["get", "patch"] },
];

interface Walk {
  readonly client: TestClient;
  readonly user: string;
  /** Rules that hold in the cluster as a whole, and in the namespace `mine` alone. */
  readonly everywhere: readonly PolicyRule[];
  readonly mine: readonly PolicyRule[];
  /** What rules do not say; `named` is the one object that a selector asks for, or "". */
  readonly also?: (wanted: ResourceAttributes, named: string) => boolean;
}

const node = "n1";
/** What a node's agent may read beside its role, to carry services, answer for Ingresses and keep to network policies. */
const nodeNetwork: readonly PolicyRule[] = [
  { apiGroups: [""], resources: ["endpoints", "nodes", "services"], verbs: ["list", "watch"] },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
  {
    apiGroups: ["networking.k8s.io"],
    resources: ["ingresses", "ingressclasses", "networkpolicies"],
    verbs: ["list", "watch"],
  },
];

/** What may the node do that has one pod, in `mine`, which refers to objects named `obj`? Kubernetes' node authorizer, plainly. */
function nodeMay(wanted: ResourceAttributes, named: string): boolean {
  const { verb, namespace, name, subresource: sub } = wanted;
  const isOf = (...verbs: readonly string[]) => verbs.includes(verb);
  const isReferred = namespace === "mine" && (name || named) === "obj";
  // Among all that is there is a network policy.
  const isForPolicies = `${namespace}${name}${sub}` === "" && isOf("list", "watch");
  switch (`${wanted.plural}.${wanted.group}`) {
    case "secrets.":
    case "configmaps.":
      return isReferred && sub === "" && isOf("get", "list", "watch");
    case "persistentvolumeclaims.":
      return isReferred && (sub === "status" ? isOf("update", "patch") : sub === "" && isOf("get"));
    case "serviceaccounts.":
      return isReferred && (sub === "token" ? isOf("create") : sub === "" && isOf("get"));
    case "namespaces.":
      return isForPolicies;
    case "pods.":
      if (isForPolicies) return true;
      if (sub === "status") return isOf("update", "patch");
      return sub === "" ? isOf("create", "delete") : sub === "eviction" && isOf("create");
    case "nodes.":
      return (
        (sub === "status" && isOf("update", "patch")) || (sub === "" && isOf("create", "update", "patch"))
      );
    case "csinodes.storage.k8s.io":
    case "resourceslices.resource.k8s.io":
      return sub === "" && isOf("create");
    case "leases.coordination.k8s.io":
    case "persistentvolumes.":
    case "resourceclaims.resource.k8s.io":
    case "volumeattachments.storage.k8s.io":
      return false;
    default:
      return isSaid(words(rulesOfRole("system:node")), wanted);
  }
}

describe("every verb on every resource", function () {
  this.timeout(propertyMs);
  let server: TestApiserver;
  let resources: readonly Resource[];
  /** Names and versions of all that is theirs. */
  let untouched: string;
  const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/mine";

  before(async () => {
    server = await startTestApiserver();
    for (const name of ["mine", "theirs"])
      await server.admin.call("POST", "/api/v1/namespaces", { body: { metadata: { name } } });
    let made = 0;
    for (const kind of kinds.filter((one) => isStored(one) && one.hidesOwnForm !== true)) {
      const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
      const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${apiVersion}`;
      // These change what others may write.
      if (/^(admissionregistration|apiregistration|apiextensions|rbac)\./.test(kind.group)) continue;
      for (const namespace of kind.namespaced ? ["mine", "theirs"] : [""]) {
        const metadata = { name: "obj", labels: { "secret-of": secret }, annotations: { a: secret } };
        const body = { apiVersion, kind: kind.kind, ...good[kind.kind], metadata };
        const place = namespace === "" ? "" : `/namespaces/${namespace}`;
        const { code } = await server.admin.call("POST", `${root}${place}/${kind.plural}`, { body });
        if (code === 201) made += 1;
      }
    }
    assert.ok(made > 60, `only ${made} objects`);
    resources = await discovered(server.admin);
    untouched = await everythingOfTheirs();
  });
  after(() => server.stop());

  const everythingOfTheirs = async () => {
    const lists = resources.filter(({ subresource, namespaced }) => subresource === "" && namespaced);
    const texts = await Promise.all(
      lists.map(async (one) => {
        const { body } = await server.admin.call("GET", pathOf(one, "theirs", ""));
        return (body.items ?? []).map(({ metadata }: { metadata: object }) => metadata);
      }),
    );
    return JSON.stringify(texts);
  };

  /** Asks for everything; gives how often what was answered. */
  const walk = async ({
    client,
    user,
    everywhere,
    mine,
    also = () => false,
  }: Walk): Promise<Map<string, number>> => {
    const [ofAll, ofMine] = [words(everywhere), words(mine)];
    const counts = new Map<string, number>();
    let at = 0;
    for (const resource of resources)
      await Promise.all(
        Object.entries(asking).flatMap(([verb, [method, isOfOne, own]]) =>
          placesOf(resource, verb).map(async (namespace) => {
            const isOne = isOfOne || resource.subresource !== "";
            const number = at++;
            const addition = additions[number % additions.length];
            assert.ok(addition);
            const ask = async (name: string) => {
              const query = [own, addition[0]].filter((one) => one !== "").join("&");
              const path = pathOf(resource, namespace, isOne ? name : "");
              const body = method === "GET" || method === "DELETE" ? undefined : { metadata: { name } };
              const { accept, ...headers } = addition[1];
              return client.call(method, query === "" ? path : `${path}?${query}`, {
                ...(accept !== undefined && { accept }),
                ...(body !== undefined && { body }),
                ...(method === "PATCH" && { type: "application/merge-patch+json" }),
                headers,
              });
            };
            const wanted = attributesOf(resource, { verb, namespace, name: isOne ? "obj" : "" });
            const named = !isOne && addition[0] === "fieldSelector=metadata.name%3Dobj" ? "obj" : "";
            const isAllowed =
              isSaid(ofAll, wanted) ||
              ("namespace" in wanted && also(wanted, named)) ||
              ("namespace" in wanted && wanted.namespace === "mine" && isSaid(ofMine, wanted));
            // A watch would last.
            if (isAllowed && verb === "watch") return;
            const what = `${user} ${method} ${pathOf(resource, namespace, isOne ? "obj" : "")}?${own}&${addition[0]}`;
            const answer = await ask("obj");
            const refused = new RegExp(`is forbidden: User "${user}" cannot `);
            const isRefused = answer.code === 403 && refused.test(answer.body?.message ?? answer.text);
            counts.set(
              isRefused ? "refused" : "answered",
              (counts.get(isRefused ? "refused" : "answered") ?? 0) + 1,
            );
            assert.equal(!isRefused, isAllowed, `${what}: ${answer.code} ${answer.text.slice(0, 300)}`);
            if (!isRefused) return;
            assert.ok(!answer.text.includes(secret), what);
            if (!isOne || number % 3 !== 0) return;
            // What is there is refused as what is not.
            const other = await ask("absent");
            assert.deepEqual(
              [other.code, other.text.replaceAll("absent", "obj")],
              [answer.code, answer.text],
              what,
            );
          }),
        ),
      );
    return counts;
  };

  it("is open by the rules that hold for who asks, in their namespace, and closed everywhere else", async () => {
    const client = await server.clientFor("ann");
    const everywhere = rulesOfGroups(["system:authenticated"]);
    await server.admin.call("POST", `${rbac}/rolebindings`, {
      body: {
        metadata: { name: "ann" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "ann" },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "ann" }],
      },
    });
    const all = [...new Set(resources.map(nameOf))];
    const rule = fc.record({
      apiGroups: fc.subarray(["*", ...new Set(resources.map(({ group }) => group))], {
        minLength: 1,
        maxLength: 4,
      }),
      resources: fc.subarray(["*", "*/status", "*/scale", ...all], { minLength: 1, maxLength: 20 }),
      verbs: fc.subarray(["*", ...Object.keys(asking)], { minLength: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(rule, { minLength: 1, maxLength: 4 }), async (rules) => {
        const { code } = await server.admin.call("PUT", `${rbac}/roles/ann`, {
          body: { metadata: { name: "ann" }, rules },
        });
        assert.ok([200, 201].includes(code));
        const counts = await walk({ client, user: "ann", everywhere, mine: rules });
        assert.ok((counts.get("refused") ?? 0) > 0);
      }),
      { ...runs(1), examples: [[usual]] },
    );
    assert.equal(await everythingOfTheirs(), untouched, "something of theirs has changed");
  });

  it("is open to a node for what its pods refer to, and for what is its own", async () => {
    const user = `system:node:${node}`;
    const groups = ["system:nodes"];
    const volumes = [
      { name: "s", secret: { secretName: "obj" } },
      { name: "m", configMap: { name: "obj" } },
      { name: "c", persistentVolumeClaim: { claimName: "obj" } },
    ];
    const spec = {
      ...(good.Pod as { spec: object }).spec,
      nodeName: node,
      serviceAccountName: "obj",
      volumes,
    };
    const pods = "/api/v1/namespaces/mine/pods";
    const { code, text } = await server.admin.call("POST", pods, {
      body: { metadata: { name: "near" }, spec },
    });
    assert.equal(code, 201, text);
    const client = await server.clientFor(user, groups);
    const everywhere = [...rulesOfGroups([...groups, "system:authenticated"]), ...nodeNetwork];
    const counts = await walk({ client, user, everywhere, mine: [], also: nodeMay });
    assert.ok((counts.get("answered") ?? 0) > 0);
    assert.equal(await everythingOfTheirs(), untouched);
  });

  it("is closed to a service account without a role, and to anonymous", async () => {
    const user = "system:serviceaccount:mine:obj";
    const groups = ["system:serviceaccounts", "system:serviceaccounts:mine"];
    const client = await server.clientFor(user, groups);
    const everywhere = rulesOfGroups([...groups, "system:authenticated"]);
    const counts = await walk({ client, user, everywhere, mine: [] });
    assert.ok((counts.get("answered") ?? 0) > 0);
    const anyone = rulesOfGroups(["system:unauthenticated"]);
    await walk({ client: server.stranger, user: "system:anonymous", everywhere: anyone, mine: [] });
    assert.equal(await everythingOfTheirs(), untouched);
  });
});

async function discovered(admin: TestClient): Promise<readonly Resource[]> {
  const { body } = await admin.call("GET", "/apis");
  const versions: string[] = body.groups.flatMap(
    ({ versions: all }: { versions: { groupVersion: string }[] }) =>
      all.map(({ groupVersion }) => groupVersion),
  );
  const found: Resource[] = [];
  for (const apiVersion of ["v1", ...versions]) {
    const root = apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`;
    const { body: list } = await admin.call("GET", root);
    const [group = "", version = ""] = apiVersion === "v1" ? ["", "v1"] : apiVersion.split("/");
    for (const { name, namespaced } of list.resources) {
      const [plural = "", ...sub] = name.split("/");
      found.push({ group, version, plural, subresource: sub.join("/"), namespaced });
    }
  }
  return found;
}

/** In which namespaces to ask ("": in all, or in none). */
function placesOf({ subresource, namespaced }: Resource, verb: string): readonly string[] {
  const isOfMany = ["list", "watch", "deletecollection"].includes(verb);
  if (isOfMany && subresource !== "") return [];
  if (!namespaced) return [""];
  return isOfMany ? ["mine", "theirs", ""] : ["mine", "theirs"];
}

function attributesOf(
  { group, plural, subresource }: Resource,
  { verb, namespace, name }: { readonly verb: string; readonly namespace: string; readonly name: string },
): Attributes {
  // A Namespace stands in itself.
  const place = group === "" && plural === "namespaces" ? name : namespace;
  return { verb, group, plural, subresource, namespace: place, name };
}

const nameOf = ({ plural, subresource }: Resource) =>
  subresource === "" ? plural : `${plural}/${subresource}`;

function pathOf(
  { group, version, plural, subresource, namespaced }: Resource,
  namespace: string,
  name: string,
): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const place = namespaced && namespace !== "" ? `/namespaces/${namespace}` : "";
  return [`${root}${place}/${plural}`, name, subresource].filter((part) => part !== "").join("/");
}
