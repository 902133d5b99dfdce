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
      "--v=9",
      "--service-account-issuer=http://[",
      "--service-account-jwks-uri=http://plain",
      "--service-account-max-token-expiration=10m",
      "--token-auth-file=/missing/tokens.csv",
      "--requestheader-allowed-names=proxy",
      "--oidc-issuer-url=http://plain",
      "--oidc-signing-algs=HS256",
      "--oidc-required-claim=x",
      "--authentication-token-webhook-version=v2",
      "--disable-admission-plugins=Priority,PodPreset",
      "--feature-gates=ContainerStopSignals=true,GenericWorkload=true",
    ];
    assert.throws(
      () => apiserverConfig(parseFlags(apiserverFlags, argv).flags),
      (error) => {
        assert.ok(error instanceof UsageError);
        const wanted = [
          /"nowhere" is not an IP address/,
          /--secure-port: 70000 is not a port/,
          /--etcd-servers: at least one URL is needed/,
          /--service-cluster-ip-range: "10\.0\.0\.1\/16" is no block of IPv4/,
          /--service-node-port-range: "9-3" is not FIRST-LAST/,
          /--etcd-certfile: cannot read \/missing\/cert\.pem/,
          /--feature-gates: "GenericWorkload=true" is not one of .*, ContainerStopSignals, =true or =false/,
          /--disable-admission-plugins: "PodPreset" is none of NamespaceLifecycle, /,
          /--tls-cert-file: a file is needed/,
          /--watch-history-mb: 0 is not at least 1/,
          /--v: 9 is no level \(0 to 6\)/,
          /--service-account-issuer: "http:\/\/\[" contains a ":" but is not a URL/,
          /--service-account-key-file: a file is needed for the issuer/,
          /--service-account-jwks-uri: "http:\/\/plain" is not an https URL/,
          /--service-account-max-token-expiration: must be at least 1 hour/,
          /--token-auth-file: cannot use \/missing\/tokens\.csv/,
          /--requestheader-allowed-names: there is no --requestheader-client-ca-file/,
          /--oidc-issuer-url, --oidc-client-id: give both or neither/,
          /--oidc-issuer-url: "http:\/\/plain" is not an https URL/,
          /--oidc-signing-algs: "HS256" is none of RS256, /,
          /--oidc-required-claim: "x" is not NAME=VALUE/,
          /--authentication-token-webhook-version: "v2" is neither v1 nor v1beta1/,
        ];
        for (const pattern of wanted) assert.match(error.message, pattern);
        return true;
      },
    );
  });
});
