import assert from "node:assert/strict";
import { parseFlags, UsageError } from "../../base/os/flags.ts";
import { controllerManagerConfig, controllerManagerFlags } from "./flags.ts";
import { absentControllers } from "./kubernetes-names.ts";
import { selectControllers } from "./select-controllers.ts";
import { controllerTable } from "./table.ts";

const config = (...argv: string[]) => controllerManagerConfig(parseFlags(controllerManagerFlags, argv).flags);
const names = (...argv: string[]) =>
  selectControllers(controllerTable, config(...argv)).map(({ name }) => name);

describe("controlplane/controllers/flags", () => {
  it("says everything that is wrong at once", () => {
    assert.throws(
      () =>
        config(
          "--allocate-node-cidrs",
          "--leader-elect-lease-duration=5s",
          "--leader-elect-renew-deadline=10s",
          "--secure-port=70000",
        ),
      (error: unknown) =>
        error instanceof UsageError &&
        /--cluster-cidr: needed/.test(error.message) &&
        /lease duration must exceed/.test(error.message) &&
        /--secure-port: 70000/.test(error.message),
    );
    assert.throws(
      () => config("--allocate-node-cidrs", "--cluster-cidr=10.0.0.0/25"),
      /--node-cidr-mask-size-ipv4: 24/,
    );
  });

  it("says what is wrong with how endpoints are gathered", () => {
    for (const [flag, words] of [
      ["--max-endpoints-per-slice=0", /--max-endpoints-per-slice: 0 is not between 1 and 1000/],
      ["--mirroring-max-endpoints-per-subset=1001", /1001 is not between 1 and 1000/],
      ["--endpointslice-updates-batch-period=-1s", /--endpointslice-updates-batch-period/],
      ["--namespace-sync-period=1ms", /--namespace-sync-period: 1ms is less than a second/],
    ] as const)
      assert.throws(() => config(flag), words);
    assert.ok(!names("--enable-garbage-collector=false").includes("garbage-collector-controller"));
  });

  it("has every controller of Kubernetes 1.36 that is on by default, and its own", () => {
    const kubernetes = `serviceaccount-token endpoints endpointslice endpointslice-mirroring replicationcontroller
      pod-garbage-collector resourcequota namespace serviceaccount garbage-collector daemonset job deployment replicaset
      horizontal-pod-autoscaler disruption statefulset cronjob certificatesigningrequest-signing
      certificatesigningrequest-approving certificatesigningrequest-cleaner ttl bootstrap-signer token-cleaner node-ipam
      node-lifecycle taint-eviction device-taint-eviction persistentvolume-binder persistentvolume-attach-detach
      persistentvolume-expander clusterrole-aggregation persistentvolumeclaim-protection persistentvolume-protection
      ttl-after-finished root-ca-certificate-publisher ephemeral-volume resourceclaim legacy-serviceaccount-token-cleaner
      volumeattributesclass-protection service-cidr`;
    const ours = controllerTable.map(({ name }) => name.replace(/-controller$/, ""));
    assert.deepEqual(
      ours.sort(),
      [
        ...kubernetes.split(/\s+/),
        "cluster-info",
        "gateway",
        "ingress-status",
        "local-path-provisioner",
        "node-certificate-approving",
        "service-lb",
      ].sort(),
    );
    // Those that are off there, or whose work another part does, may be named.
    assert.deepEqual(names(`--controllers=${absentControllers.join()},-svm`), []);
  });

  it("chooses controllers by name", () => {
    assert.deepEqual(names("--controllers=job,daemonset-controller"), [
      "daemonset-controller",
      "job-controller",
    ]);
    assert.ok(!names("--controllers=*,-job").includes("job-controller"));
    assert.ok(!names().includes("node-ipam-controller"), "only with --allocate-node-cidrs");
    // Off unless they are named, by either name.
    assert.ok(!names().includes("token-cleaner-controller"));
    assert.ok(names("--controllers=*,tokencleaner").includes("token-cleaner-controller"));
    assert.deepEqual(names("--controllers=horizontalpodautoscaling,endpoint,-endpoint"), [
      "endpoints-controller",
      "horizontal-pod-autoscaler-controller",
    ]);
    // A cloud's controllers are known, and run elsewhere; ours that stands for one where it is asked to.
    assert.deepEqual(names("--controllers=service", "--service-load-balancer=nodes"), [
      "service-lb-controller",
    ]);
    assert.deepEqual(
      names("--controllers=service-lb-controller,route,-cloud-node-lifecycle", "--cloud-provider=external"),
      [],
    );
    assert.throws(
      () => names("--cloud-provider=aws"),
      /--cloud-provider: "aws" is neither external nor empty/,
    );
    assert.throws(() => names("--controllers=jobb"), /there is no "jobb"/);
  });
});
