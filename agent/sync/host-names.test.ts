import { strict as assert } from "node:assert";
import type { Pod } from "../../client/types.ts";
import { hostsFile } from "../runtime/oci/hosts-file.ts";
import { sandboxConfig } from "../runtime/suite-configs.ts";
import { hostNamesOf } from "./host-names.ts";

const named = (spec: Partial<Pod["spec"]>, name = "p") =>
  hostNamesOf(
    { metadata: { name, namespace: "n" }, spec: { containers: [], ...spec } } as unknown as Pod,
    "cluster.local",
  );

describe("a pod's host names", () => {
  it("are its own, cut to what the kernel takes", () => {
    assert.deepEqual(named({}), { hostname: "p", names: ["p"] });
    assert.deepEqual(named({ hostname: "h" }), { hostname: "h", names: ["h"] });
    assert.equal(named({}, `${"a".repeat(62)}-b`).hostname, "a".repeat(62));
  });

  it("have the subdomain's full name first, for hostname -f", () => {
    assert.deepEqual(named({ subdomain: "s" }), { hostname: "p", names: ["p.s.n.svc.cluster.local", "p"] });
    assert.equal(named({ subdomain: "s", setHostnameAsFQDN: true }).hostname, "p.s.n.svc.cluster.local");
    assert.throws(
      () => named({ subdomain: "s".repeat(60), setHostnameAsFQDN: true }),
      /is too long \(64 characters/,
    );
  });

  it("are what hostnameOverride says, whatever else the pod says, and nothing more", () => {
    const others = { hostname: "h", subdomain: "s" };
    assert.deepEqual(named({ ...others, hostnameOverride: "www.example.com" }), {
      hostname: "www.example.com",
      names: ["www.example.com"],
    });
    assert.equal(named({ hostnameOverride: `${"a".repeat(62)}.b` }).hostname, "a".repeat(62));
  });

  it("are the node's under hostNetwork", () => {
    assert.equal(named({ hostNetwork: true, nodeName: "node-1" }).hostname, "node-1");
  });
});

describe("/etc/hosts of a pod", () => {
  const config = sandboxConfig("p");
  it("begins with Kubernetes' marker line and names the pod", () => {
    const lines = hostsFile({ ...config, hostNames: ["p.s", "p"] }, ["10.0.0.2"], "").split("\n");
    assert.equal(lines[0], "# Kubernetes-managed hosts file.");
    assert.ok(lines.includes("10.0.0.2\tp.s\tp"));
  });
  it("is the node's behind a marker under hostNetwork, and aliases follow", () => {
    const hostAliases = [{ ip: "1.2.3.4", hostnames: ["a", "b"] }];
    assert.equal(
      hostsFile({ ...config, hostNetwork: true, hostAliases }, [], "127.0.0.1 me\n"),
      "# Kubernetes-managed hosts file (host network).\n127.0.0.1 me\n\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n",
    );
  });
});
