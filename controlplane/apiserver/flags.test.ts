import assert from "node:assert/strict";
import { parseFlags, UsageError } from "../../base/os/flags.ts";
import { apiserverConfig, apiserverFlags } from "./flags.ts";

describe("API server flags", () => {
  it("names every problem at once, with flag, value and rule", () => {
    const argv = [
      "--bind-address=nowhere",
      "--secure-port=70000",
      "--service-cluster-ip-range=10.0.0.1/16",
      "--service-node-port-range=9-3",
      "--etcd-certfile=/missing/cert.pem",
      "--watch-history-mb=0",
      "--disable-admission-plugins=Priority,PodPreset",
    ];
    assert.throws(
      () => apiserverConfig(parseFlags(apiserverFlags, argv).flags),
      (error) => {
        assert.ok(error instanceof UsageError);
        const wanted = [
          /"nowhere" is not an IP address/,
          /--secure-port: 70000 is not a port/,
          /--etcd-servers: at least one URL is needed/,
          /--service-cluster-ip-range: "10\.0\.0\.1\/16" is not an IPv4 block/,
          /--service-node-port-range: "9-3" is not FIRST-LAST/,
          /--etcd-certfile: cannot read \/missing\/cert\.pem/,
          /--disable-admission-plugins: "PodPreset" is none of NamespaceLifecycle, /,
          /--tls-cert-file: a file is needed/,
          /--watch-history-mb: 0 is not at least 1/,
        ];
        for (const pattern of wanted) assert.match(error.message, pattern);
        return true;
      },
    );
  });
});
