import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { kinds } from "../resources/table.ts";
import { findTypeName, schema, schemaDocs, typeOf } from "./load.ts";
import { schemaFormOf } from "./schema-forms.ts";

/** The tables against the models: every line names what exists, every field has a number, none has another's. */
describe("schema tables", () => {
  const { types } = schema();
  const lines = (file: string) =>
    readFileSync(join(import.meta.dirname, file), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#") && !line.startsWith("["))
      .map((line) => line.replace("! ", " ").replace(/!$/, ""));

  it("number every field of every message, but for the type of what stands alone", () => {
    for (const [name, { fields }] of Object.entries(types)) {
      const numberless = Object.keys(fields).filter((field) => fields[field]?.n === undefined);
      const alone = fields.apiVersion !== undefined && fields.kind !== undefined;
      assert.deepEqual(numberless.sort(), alone && numberless.length > 0 ? ["apiVersion", "kind"] : [], name);
    }
  });

  it("give no number to two fields of a message, nor to a field and a message folded in", () => {
    for (const [name, { fields }] of Object.entries(types)) {
      const numbers = Object.values(fields).flatMap(({ n }) => (n === undefined ? [] : [n]));
      assert.equal(new Set(numbers).size, numbers.length, name);
      const folded = new Set(numbers.filter((n) => n.includes(".")).map((n) => n.slice(0, n.indexOf("."))));
      assert.deepEqual(
        numbers.filter((n) => folded.has(n)),
        [],
        name,
      );
    }
  });

  it("name no field that the models do not have", () => {
    for (const line of lines("field-numbers.txt")) {
      const [message = "", ...pairs] = line.split(" ");
      for (const pair of pairs)
        assert.ok(types[message]?.fields[pair.split("=")[0] ?? ""], `${message} ${pair}`);
    }
  });

  it("name merge keys that exist in the elements of lists", () => {
    for (const line of lines("merge-keys.txt")) {
      const [name = ""] = line.split(" ");
      const [message = "", field] = name.split(".");
      assert.ok(types[message], line);
      if (field === undefined) continue;
      const row = types[message]?.fields[field];
      assert.ok(row, line);
      for (const key of [...(row.keys ?? []), ...(row.merge ? [row.merge] : [])]) {
        assert.equal(row.c, "list", line);
        // Two fields are maps in JSON's models but carry Kubernetes' tag all the same.
        assert.ok(typeOf(row.t)?.fields[key], `${line}: ${row.t} has no ${key}`);
      }
    }
  });

  it("say of every field what it means, and of no field that is not there", () => {
    const docs = schemaDocs();
    for (const [name, { fields }] of Object.entries(types)) {
      const silent = Object.keys(fields).filter((field) => !docs[name]?.[field]);
      assert.deepEqual(silent, [], name);
    }
    const used = new Set(
      Object.entries(types).flatMap(([name, { fields }]) => [
        name,
        ...Object.entries(fields).flatMap(([field, { t }]) => [`${name}.${field}`, `*.${field}:${t}`]),
      ]),
    );
    for (const line of lines("field-texts.txt")) assert.ok(used.has(line.split(" ")[0] ?? ""), line);
  });

  it("name values and line ends of fields that are there, and values of the field's type", () => {
    const typesOf: Readonly<Record<string, string>> = {
      string: "string",
      integer: "number",
      number: "number",
      boolean: "boolean",
    };
    for (const line of lines("field-values.txt")) {
      const [message = "", field] = (line.split(" ")[0] ?? "").split(".");
      assert.ok(types[message], line);
      const row = field === undefined ? undefined : types[message]?.fields[field];
      assert.equal(row === undefined, field === undefined, line);
      if (row?.v !== undefined && row.v !== null) assert.equal(typeof row.v, typesOf[row.t], line);
      if (row?.e !== undefined) assert.equal(row.t, "string", line);
    }
    const docs = schemaDocs();
    for (const line of lines("line-breaks.txt")) {
      const [, message = "", , field = ""] = /^([^. ]+)(\.(\S+))? /.exec(line) ?? [];
      assert.match(docs[message]?.[field] ?? "", /[\n\t]/, line);
    }
  });

  it("name Go's types only of fields that are there, and where they name one", () => {
    for (const line of lines("go-types.txt")) {
      const [message = "", ...pairs] = line.split(" ");
      for (const pair of pairs) {
        const row = types[message]?.fields[pair.slice(0, pair.indexOf("="))];
        assert.ok(row, `${message} ${pair}`);
        assert.ok(row.g !== undefined || row.in !== undefined, `${message} ${pair}`);
        // A list of a type is a list here too; a type may be one by itself.
        if (row.g?.startsWith("[]")) assert.equal(row.c, "list", `${message} ${pair}`);
        if (row.g?.startsWith("map[")) assert.match(row.c ?? "", /^map/, `${message} ${pair}`);
      }
    }
  });

  it("give a field its own text, not that of the message that it refers to", () => {
    const docs = schemaDocs();
    const { livenessProbe, readinessProbe, startupProbe } = docs.V1Container ?? {};
    assert.equal(new Set([livenessProbe, readinessProbe, startupProbe, docs.V1Probe?.[""]]).size, 4);
    for (const [message, fields] of Object.entries(docs))
      for (const [field, text] of Object.entries(fields))
        assert.doesNotMatch(
          text,
          /^(IntOrString|MicroTime|JSONSchemaPropsOr\w+) (is|represents) /,
          `${message}.${field}`,
        );
  });

  it("reach all that fields are made of", () => {
    const scalars =
      /^(string|bytes|integer|number|boolean|any|json|time|microtime|duration|quantity|intOrString)$/;
    for (const [name, { fields }] of Object.entries(types)) {
      for (const [field, { t }] of Object.entries(fields))
        assert.ok(scalars.test(t) || types[t] || schemaFormOf({ t }), `${name}.${field}: ${t}`);
    }
  });

  it("know every stable kind of Kubernetes, served or not, and its list", () => {
    const missing = Object.entries(stableKinds).flatMap(([apiVersion, names]) =>
      names
        .split(" ")
        .flatMap((kind) => (/Review$/.test(kind) ? [kind] : [kind, `${kind}List`]))
        .filter((kind) => schema().kinds[`${apiVersion}/${kind}`] === undefined)
        .map((kind) => `${apiVersion}/${kind}`),
    );
    assert.deepEqual(missing, []);
  });

  it("know every served kind, and what requests about them carry", () => {
    for (const kind of kinds) {
      const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
      assert.ok(findTypeName(apiVersion, kind.kind), kind.kind);
      if (!kind.isReview) assert.ok(findTypeName(apiVersion, `${kind.kind}List`), kind.kind);
    }
    for (const [apiVersion, kind] of [
      ["meta.k8s.io/v1", "DeleteOptions"],
      ["v1", "DeleteOptions"],
      ["autoscaling/v1", "Scale"],
      ["policy/v1", "Eviction"],
      ["v1", "Binding"],
      ["authorization.k8s.io/v1", "SelfSubjectAccessReview"],
      ["events.k8s.io/v1", "Event"],
    ] as const)
      assert.ok(findTypeName(apiVersion, kind), kind);
  });
});

/** By group and version, all that Kubernetes 1.36 serves as v1 or v2. */
const stableKinds: Readonly<Record<string, string>> = {
  v1: "ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount",
  "admissionregistration.k8s.io/v1":
    "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration",
  "apiextensions.k8s.io/v1": "CustomResourceDefinition",
  "apiregistration.k8s.io/v1": "APIService",
  "apps/v1": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
  "authentication.k8s.io/v1": "SelfSubjectReview TokenReview",
  "authorization.k8s.io/v1":
    "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
  "autoscaling/v1": "HorizontalPodAutoscaler",
  "autoscaling/v2": "HorizontalPodAutoscaler",
  "batch/v1": "CronJob Job",
  "certificates.k8s.io/v1": "CertificateSigningRequest",
  "coordination.k8s.io/v1": "Lease",
  "discovery.k8s.io/v1": "EndpointSlice",
  "events.k8s.io/v1": "Event",
  "flowcontrol.apiserver.k8s.io/v1": "FlowSchema PriorityLevelConfiguration",
  "networking.k8s.io/v1": "IPAddress Ingress IngressClass NetworkPolicy ServiceCIDR",
  "node.k8s.io/v1": "RuntimeClass",
  "policy/v1": "PodDisruptionBudget",
  "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding Role RoleBinding",
  "resource.k8s.io/v1": "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice",
  "scheduling.k8s.io/v1": "PriorityClass",
  "storage.k8s.io/v1":
    "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment VolumeAttributesClass",
};
