import assert from "node:assert/strict";
import { KindTable } from "../registry/kind-table.ts";
import { kinds } from "../resources/table.ts";
import { groupDiscoveryList } from "./aggregated-discovery.ts";
import { apiResourceList } from "./legacy-discovery.ts";

const table = new KindTable(kinds);
/** No other server serves anything. */
const nowhere = { groups: <T>(own: T) => own, discovered: () => undefined };
interface Row {
  readonly resource: string;
  readonly responseKind: object;
  readonly subresources?: readonly { readonly subresource: string; readonly responseKind: object }[];
}
const deployments = (of: KindTable): Row | undefined => {
  const { items } = groupDiscoveryList(of, nowhere, { core: false }) as {
    items: { metadata: { name: string }; versions: { resources: Row[] }[] }[];
  };
  const resources = items.find(({ metadata }) => metadata.name === "apps")?.versions[0]?.resources;
  return resources?.find(({ resource }) => resource === "deployments");
};

describe("discovery as a kube-apiserver answers it", () => {
  it("leaves out group and version of a built-in kind where they are the list's own", () => {
    const row = deployments(table);
    assert.deepEqual(row?.responseKind, { group: "", version: "", kind: "Deployment" });
    assert.deepEqual(
      row?.subresources?.map(({ responseKind }) => responseKind),
      [
        { group: "autoscaling", version: "v1", kind: "Scale" },
        { group: "", version: "", kind: "Deployment" },
      ],
    );
  });
  it("tells the hashes of Kubernetes' storage versions", () => {
    const told = (group: string) => {
      const { resources } = apiResourceList(table, group, "v1") as {
        resources: { name: string; storageVersionHash?: string }[];
      };
      return Object.fromEntries(resources.map(({ name, storageVersionHash }) => [name, storageVersionHash]));
    };
    const { mutatingadmissionpolicies, mutatingadmissionpolicybindings } = told(
      "admissionregistration.k8s.io",
    );
    assert.deepEqual(
      [mutatingadmissionpolicies, mutatingadmissionpolicybindings],
      ["LYmCf+UMVdg=", "90V5FRZZ3Zg="],
    );
    assert.equal(told("apiextensions.k8s.io").customresourcedefinitions, "jfWCUB31mvA=");
    assert.equal(told("apps").deployments, "8aSe+NMegvE=");
  });
  it("says group and version of a kind that a definition brought", () => {
    const brought = kinds
      .filter(({ plural }) => plural === "deployments")
      .map((kind) => ({
        ...kind,
        schema: { accept: () => ({ unknown: [], duplicate: [], typeErrors: [] }), normalize() {} },
      }));
    assert.deepEqual(deployments(new KindTable(brought))?.responseKind, {
      group: "apps",
      version: "v1",
      kind: "Deployment",
    });
  });
  it("names the version that objects are stored in by a hash, whichever group shows them", () => {
    const hashOf = (group: string, name: string) => {
      const { resources } = apiResourceList(table, group, "v1") as {
        resources: { name: string; storageVersionHash?: string }[];
      };
      return resources.find((one) => one.name === name)?.storageVersionHash;
    };
    assert.equal(hashOf("", "pods"), "xPOwRZ+Yhw8=");
    assert.equal(hashOf("", "events"), "r2yiGXH7wu8=");
    assert.equal(hashOf("events.k8s.io", "events"), "r2yiGXH7wu8=");
    assert.equal(hashOf("", "pods/status"), undefined);
    assert.equal(hashOf("", "bindings"), undefined);
    assert.equal(hashOf("authentication.k8s.io", "tokenreviews"), undefined);
  });
});
