import { strict as assert } from "node:assert";
import type { Source } from "../../shipping/record.ts";
import { clusterLayout } from "./layout.ts";
import { publications } from "./publish-metrics.ts";
import { components, portNames } from "./topology.ts";

describe("a local cluster's nodes", () => {
  it("may use the host's file system, without the cluster's own folder", () => {
    const size = { replicas: 1, nodes: 2 };
    const ports = Object.fromEntries(portNames(size).map((name, at) => [name, 1000 + at]));
    const plan = { ...size, runtime: "oci", networkSlot: 0, ports } as const;
    const nodes = components(plan, clusterLayout("/cluster")).filter(({ kind }) => kind === "agent");
    assert.equal(nodes.length, 2);
    for (const { argv } of nodes) {
      assert.ok(argv.includes("--allow-host-image"));
      assert.ok(argv.includes("--host-image-hide=/cluster"));
    }
  });

  it("have addresses of both families where that is asked for, and of IPv4 alone elsewhere", () => {
    const size = { replicas: 1, nodes: 1 };
    const ports = Object.fromEntries(portNames(size).map((name, at) => [name, 1000 + at]));
    const words = (dualStack: boolean) =>
      components({ ...size, runtime: "oci", networkSlot: 3, ports, dualStack }, clusterLayout("/cluster"))
        .flatMap(({ argv }) => argv)
        .filter((word) => /node-ip|-cidr=|ip-range/.test(word));
    assert.deepEqual(words(true), [
      "--apiserver.service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112",
      "--controller-manager.cluster-cidr=10.223.0.0/16,fd00:10:223::/56",
      "--node-ip=10.203.0.11,fd00:10:203::11",
      "--cluster-cidr=10.223.0.0/16,fd00:10:223::/56",
      "--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112",
    ]);
    assert.ok(words(false).every((word) => !word.includes("fd00")));
  });

  it("answer DNS themselves, unless other servers are named: then nobody takes the Service's place either", () => {
    const size = { replicas: 1, nodes: 1 };
    const ports = Object.fromEntries(portNames(size).map((name, at) => [name, 1000 + at]));
    const words = (clusterDns: readonly string[]) =>
      components({ ...size, runtime: "oci", networkSlot: 0, ports, clusterDns }, clusterLayout("/cluster"))
        .flatMap(({ argv }) => argv)
        .filter((word) => word.includes("dns"));
    assert.deepEqual(words([]), []);
    assert.deepEqual(words(["10.96.0.10", "10.96.0.11"]), [
      "--apiserver.kube-dns-service=false",
      "--cluster-dns=10.96.0.10,10.96.0.11",
    ]);
  });

  it("find the logs of all components by one of them", () => {
    const size = { replicas: 1, nodes: 2 };
    const ports = Object.fromEntries(portNames(size).map((name, at) => [name, 1000 + at]));
    const found = components({ ...size, runtime: "oci", networkSlot: 0, ports }, clusterLayout("/cluster"))
      .flatMap(({ argv }) => argv)
      .filter((word) => word.startsWith("--component-logs"));
    assert.deepEqual(found, ["--component-logs=/cluster/logs"]);
  });

  it("ship logs, and so does whoever else has some of those that are wanted", () => {
    const size = { replicas: 1, nodes: 2 };
    const ports = Object.fromEntries(portNames(size).map((name, at) => [name, 1000 + at]));
    const words = (...sources: Source[]) =>
      components(
        { ...size, runtime: "oci", networkSlot: 0, ports, logShipping: { file: "/s.yaml", sources } },
        clusterLayout("/cluster"),
      )
        .flatMap(({ argv }) => argv)
        .filter((word) => /shipping|audit/.test(word));
    assert.deepEqual(words("containers"), ["--log-shipping=/s.yaml", "--log-shipping=/s.yaml"]);
    assert.deepEqual(words("components"), ["--log-shipping=/s.yaml"]);
    assert.deepEqual(words("events"), ["--controller-manager.log-shipping=/s.yaml"]);
    assert.deepEqual(words("audit"), [
      "--apiserver.audit-policy-file=/cluster/audit-policy.yaml",
      "--apiserver.audit-log-path=/cluster/audit/apiserver-1.log",
      "--apiserver.audit-log-maxbackup=10",
      "--apiserver.log-shipping=/s.yaml",
      "--apiserver.log-shipping-dir=/cluster/log-shipping/apiserver-1",
      "--audit-logs=/cluster/audit/apiserver-1.log",
    ]);
  });

  it("write an audit log where that is asked for, which one node searches", () => {
    const size = { replicas: 3, nodes: 2 };
    const ports = Object.fromEntries(portNames(size).map((name, at) => [name, 1000 + at]));
    const words = (auditLog: boolean) =>
      components({ ...size, runtime: "oci", networkSlot: 0, ports, auditLog }, clusterLayout("/cluster"))
        .flatMap(({ argv }) => argv)
        .filter((word) => word.includes("audit"));
    assert.deepEqual(words(false), []);
    const ofServer = (number: number) => [
      "--audit-policy-file=/cluster/audit-policy.yaml",
      `--audit-log-path=/cluster/audit/apiserver-${number}.log`,
      "--audit-log-maxbackup=10",
    ];
    assert.deepEqual(words(true), [
      ...ofServer(1),
      ...ofServer(2),
      "--audit-logs=/cluster/audit/apiserver-1.log,/cluster/audit/apiserver-2.log",
    ]);
  });

  it("proxy Services by what was asked for", () => {
    const size = { replicas: 1, nodes: 1 };
    const ports = Object.fromEntries(portNames(size).map((name, at) => [name, 1000 + at]));
    const words = (more: object) =>
      components({ ...size, runtime: "oci", networkSlot: 0, ports, ...more }, clusterLayout("/cluster"))
        .flatMap(({ argv }) => argv)
        .filter((word) => word.includes("proxy-mode"));
    assert.deepEqual(words({}), []);
    assert.deepEqual(words({ proxyMode: "iptables" }), ["--proxy-mode=iptables"]);
  });

  it("are asked what they use by API servers that serve metrics.k8s.io, unless that is left to others", () => {
    for (const replicas of [1, 3]) {
      const size = { replicas, nodes: 1 };
      const ports = Object.fromEntries(portNames(size).map((name, at) => [name, 1000 + at]));
      const words = (more: object) =>
        components({ ...size, runtime: "oci", networkSlot: 0, ports, ...more }, clusterLayout("/cluster"))
          .flatMap(({ argv }) => argv)
          .filter((word) => word.includes("resource-metrics"));
      const flag = replicas === 1 ? "--apiserver.resource-metrics" : "--resource-metrics";
      assert.deepEqual(new Set(words({})), new Set([`${flag}=true`]));
      assert.deepEqual(new Set(words({ resourceMetrics: false })), new Set([`${flag}=false`]));
    }
  });

  it("serve their metrics at the bridge only where Prometheus is to find them there", () => {
    for (const replicas of [1, 3])
      for (const runtime of ["oci", "process"] as const) {
        const size = { replicas, nodes: 1 };
        const ports = Object.fromEntries(portNames(size).map((name, at) => [name, 1000 + at]));
        const plan = { ...size, runtime, networkSlot: 0, ports };
        const words = (more: object) =>
          components({ ...plan, ...more }, clusterLayout("/cluster"))
            .flatMap(({ argv }) => argv)
            .filter((word) => /listen-metrics-urls|(scheduler|controller-manager)\.bind-address/.test(word))
            .join(" ");
        assert.doesNotMatch(words({}), /10\./);
        const published = words({ publishMetrics: true });
        if (runtime === "oci")
          assert.match(published, /http:\/\/127\.0\.0\.1:\d+,http:\/\/10\.200\.0\.1:\d+/);
        else assert.equal(published, words({}));
        const told = publications({ ...plan, publishMetrics: true });
        const members = told.find(({ name }) => name === "etcd")?.slice;
        assert.deepEqual(
          members?.ports?.map(({ name, port }) => [name, port]),
          Array.from({ length: replicas }, (_, at) => [
            `http-metrics-${at + 1}`,
            ports[`store-metrics-${at + 1}`],
          ]),
        );
        const address = runtime === "oci" ? "10.200.0.1" : "127.0.0.1";
        assert.deepEqual(members?.endpoints?.[0]?.addresses, [address]);
      }
  });

  it("get tokens for their pods that every API server knows: all sign with the same key", () => {
    for (const size of [
      { replicas: 1, nodes: 1 },
      { replicas: 3, nodes: 1 },
    ]) {
      const ports = Object.fromEntries(portNames(size).map((name, at) => [name, 1000 + at]));
      const plan = { ...size, runtime: "process", networkSlot: 0, ports } as const;
      const servers = components(plan, clusterLayout("/cluster"))
        .map(({ argv }) => argv.join(" "))
        .filter((argv) => argv.includes("etcd-servers"));
      assert.equal(servers.length, Math.min(size.replicas, 2));
      for (const argv of servers) {
        const part = size.replicas === 1 ? "--apiserver." : "--";
        assert.ok(argv.includes(`${part}service-account-issuer=https://kubernetes.default.svc`), argv);
        assert.ok(argv.includes(`${part}service-account-key-file=/cluster/pki/service-accounts.pem`));
        assert.ok(
          argv.includes(`${part}service-account-signing-key-file=/cluster/pki/service-accounts-key.pem`),
        );
      }
    }
  });

  it("store secrets encrypted, all with the same keys, and take over new ones", () => {
    for (const size of [
      { replicas: 1, nodes: 1 },
      { replicas: 3, nodes: 1 },
    ]) {
      const ports = Object.fromEntries(portNames(size).map((name, at) => [name, 1000 + at]));
      const plan = { ...size, runtime: "process", networkSlot: 0, ports } as const;
      const servers = components(plan, clusterLayout("/cluster"))
        .map(({ argv }) => argv.join(" "))
        .filter((argv) => argv.includes("etcd-servers"));
      assert.notEqual(servers.length, 0);
      for (const argv of servers)
        assert.match(
          argv,
          /encryption-provider-config=\/cluster\/pki\/encryption.yaml --(apiserver\.)?encryption-provider-config-automatic-reload=true/,
        );
    }
  });
});
