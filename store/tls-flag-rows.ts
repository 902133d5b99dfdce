import type { FileSections, FlagTable } from "../base/os/flags.ts";

/** etcd's flags of TLS, for clients and for other members. */
export const tlsFlagRows = {
  "cert-file": { kind: "string", help: "certificate for clients, PEM", value: "FILE" },
  "key-file": { kind: "string", help: "private key of --cert-file, PEM", value: "FILE" },
  "trusted-ca-file": { kind: "string", help: "authority of client certificates, PEM", value: "FILE" },
  "client-cert-auth": { kind: "boolean", help: "refuse clients without a certificate", default: false },
  "client-crl-file": { kind: "string", help: "revoked client certificates, PEM or DER", value: "FILE" },
  "client-cert-allowed-hostname": {
    kind: "list",
    help: "hosts of which one must be named by a client's certificate",
    default: [],
    value: "HOSTS",
  },
  "auto-tls": {
    kind: "boolean",
    help: "make a certificate for clients in the data directory when none is named",
    default: false,
  },
  "peer-cert-file": { kind: "string", help: "certificate for other members, PEM", value: "FILE" },
  "peer-key-file": { kind: "string", help: "private key of --peer-cert-file, PEM", value: "FILE" },
  "peer-trusted-ca-file": { kind: "string", help: "authority of members' certificates, PEM", value: "FILE" },
  "peer-client-cert-auth": { kind: "boolean", help: "refuse members without a certificate", default: false },
  "peer-client-cert-file": {
    kind: "string",
    help: "certificate to show other members when connecting (default: --peer-cert-file)",
    value: "FILE",
  },
  "peer-client-key-file": {
    kind: "string",
    help: "private key of --peer-client-cert-file, PEM",
    value: "FILE",
  },
  "peer-crl-file": { kind: "string", help: "revoked certificates of members, PEM or DER", value: "FILE" },
  "peer-cert-allowed-cn": {
    kind: "list",
    help: "common names of which a member's certificate must have one",
    default: [],
    value: "NAMES",
  },
  "peer-cert-allowed-hostname": {
    kind: "list",
    help: "hosts of which one must be named by a member's certificate",
    default: [],
    value: "HOSTS",
  },
  "peer-skip-client-san-verification": {
    kind: "boolean",
    help: "take members' certificates from other addresses than they name",
    default: false,
  },
  "peer-auto-tls": {
    kind: "boolean",
    help: "make a certificate for other members in the data directory when none is named",
    default: false,
  },
  "self-signed-cert-validity": {
    kind: "integer",
    help: "years that certificates made by --auto-tls and --peer-auto-tls are valid",
    default: 1,
  },
  "cipher-suites": { kind: "list", help: "TLS 1.2 suites to allow, in Go's names", default: [] },
  "tls-min-version": { kind: "string", help: "TLS1.2 or TLS1.3", default: "TLS1.2" },
  "tls-max-version": { kind: "string", help: "TLS1.2 or TLS1.3 (default: the newest)", default: "" },
  "experimental-peer-skip-client-san-verification": {
    kind: "boolean",
    help: "the same as --peer-skip-client-san-verification",
    hidden: true,
    sameAs: "peer-skip-client-san-verification",
  },
} as const satisfies FlagTable;

/** The mappings of etcd's configuration file that hold them. */
export const tlsFileSections: FileSections = {
  "client-transport-security": {
    "cert-file": "cert-file",
    "key-file": "key-file",
    "client-cert-file": "client-cert-file",
    "client-key-file": "client-key-file",
    "client-cert-auth": "client-cert-auth",
    "trusted-ca-file": "trusted-ca-file",
    "auto-tls": "auto-tls",
    "allowed-hostname": "client-cert-allowed-hostname",
  },
  "peer-transport-security": {
    "cert-file": "peer-cert-file",
    "key-file": "peer-key-file",
    "client-cert-file": "peer-client-cert-file",
    "client-key-file": "peer-client-key-file",
    "client-cert-auth": "peer-client-cert-auth",
    "trusted-ca-file": "peer-trusted-ca-file",
    "auto-tls": "peer-auto-tls",
    "allowed-cn": "peer-cert-allowed-cn",
    "allowed-hostname": "peer-cert-allowed-hostname",
    "skip-client-san-verification": "peer-skip-client-san-verification",
  },
};
