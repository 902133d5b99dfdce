import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type FlagKind, type FlagTable, parseFlags, UsageError } from "../base/os/flags.ts";
import { storeConfig, storeFileSections, storeFlags, unknownVariables } from "./flags.ts";
import { foreignWarnings } from "./foreign-flags.ts";
import { ignoredTlsFlags } from "./tls-flags.ts";

interface Given {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly file?: string;
}

function read({ argv = [], env = {}, file }: Given) {
  const words = file === undefined ? argv : [...argv, "--config-file=etcd.conf.yml"];
  const { flags, given } = parseFlags(storeFlags, words, {
    env,
    envPrefix: "ETCD_",
    fileSections: storeFileSections,
    readFile: () => file ?? "",
  });
  return { config: storeConfig(flags), warned: foreignWarnings(flags, given).map(({ flag }) => flag) };
}
const refusal = (given: Given): string => {
  try {
    read(given);
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  return "";
};

/** The settings of etcd's own sample configuration. */
const sample = `
name: 'default'
data-dir:
wal-dir:
snapshot-count: 10000
heartbeat-interval: 100
election-timeout: 1000
quota-backend-bytes: 0
listen-peer-urls: http://localhost:2380
listen-client-urls: http://localhost:2379
max-snapshots: 5
max-wals: 5
cors:
initial-advertise-peer-urls: http://localhost:2380
advertise-client-urls: http://localhost:2379
discovery:
discovery-fallback: 'proxy'
discovery-proxy:
discovery-srv:
initial-cluster:
initial-cluster-token: 'etcd-cluster'
initial-cluster-state: 'new'
strict-reconfig-check: false
enable-pprof: true
proxy: 'off'
proxy-failure-wait: 5000
proxy-refresh-interval: 30000
proxy-dial-timeout: 1000
proxy-write-timeout: 5000
proxy-read-timeout: 0
client-transport-security:
  cert-file:
  key-file:
  client-cert-auth: false
  trusted-ca-file:
  auto-tls: false
peer-transport-security:
  cert-file:
  key-file:
  client-cert-auth: false
  trusted-ca-file:
  auto-tls: false
  allowed-cn:
  allowed-hostname:
self-signed-cert-validity: 1
log-level: debug
logger: zap
log-outputs: [stderr]
force-new-cluster: false
auto-compaction-mode: periodic
auto-compaction-retention: "1"
cipher-suites: [
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
]
tls-min-version: 'TLS1.2'
tls-max-version: 'TLS1.3'
`;

describe("the store's flags", () => {
  it("know every one of etcd 3.7's, on the command line, in the environment and in the file", () => {
    const names = readFileSync(new URL("testdata/etcd-3.7-flags.txt", import.meta.url), "utf8")
      .trim()
      .split("\n");
    const table = storeFlags as FlagTable;
    assert.deepEqual(
      names.filter((name) => table[name] === undefined),
      [],
    );
    const values: Partial<Record<FlagKind, string>> = {
      boolean: "false",
      goDuration: "1s",
      integer: "1",
      string: "x",
    };
    for (const name of names) {
      const value = values[table[name]?.kind ?? "string"] ?? "x";
      const variable = `ETCD_${name.toUpperCase().replaceAll("-", "_")}`;
      const read = (argv: readonly string[], env: Readonly<Record<string, string>>, file = "") =>
        parseFlags(storeFlags, argv, { env, envPrefix: "ETCD_", readFile: () => file }).given.has(name);
      assert.ok(read([`--${name}=${value}`], {}), name);
      assert.ok(read([], { [variable]: value }), variable);
      assert.deepEqual(unknownVariables({ [variable]: value }), []);
      if (name !== "config-file") assert.ok(read(["--config-file=f"], {}, `${name}: ${value}`), `${name}:`);
    }
  });

  it("take etcd's sample configuration, and say what of it has no effect", () => {
    const { config, warned } = read({ file: sample });
    assert.equal(config.dataDir, "default.etcd");
    assert.equal(config.strictReconfigCheck, false);
    assert.deepEqual(config.autoCompaction, { mode: "periodic", periodMs: 3_600_000 });
    assert.deepEqual(
      warned.sort(),
      [
        ...["discovery-fallback", "max-snapshots", "max-wals", "proxy-dial-timeout"],
        ...["proxy-failure-wait", "proxy-refresh-interval", "proxy-write-timeout"],
      ].sort(),
    );
  });

  it("take what kubeadm gives its etcd, older and newer", () => {
    const common = [
      "--advertise-client-urls=http://10.0.0.1:2379",
      "--data-dir=/var/lib/etcd",
      "--initial-advertise-peer-urls=http://10.0.0.1:2380",
      "--initial-cluster=node=http://10.0.0.1:2380",
      "--listen-client-urls=http://127.0.0.1:2379,http://10.0.0.1:2379",
      "--listen-metrics-urls=http://127.0.0.1:2381",
      "--listen-peer-urls=http://10.0.0.1:2380",
      "--name=node",
      "--snapshot-count=10000",
      "--client-cert-auth=false",
    ];
    const older = read({
      argv: [
        ...common,
        "--experimental-initial-corrupt-check=true",
        "--experimental-watch-progress-notify-interval=5s",
      ],
    });
    assert.equal(older.config.watchProgressMs, 5_000);
    assert.equal(older.config.corruptionChecks.initial, true);
    const newer = read({
      argv: [...common, "--feature-gates=InitialCorruptCheck=true", "--watch-progress-notify-interval=5s"],
    });
    assert.deepEqual([newer.config.watchProgressMs, newer.config.corruptionChecks.initial], [5_000, true]);
    assert.deepEqual([older.warned, newer.warned], [[], []]);
  });

  it("say when members' data is compared: gates come before their older names", () => {
    const checks = (...argv: string[]) => read({ argv }).config.corruptionChecks;
    assert.deepEqual(checks(), { initial: false, everyMs: 0, compactionsEveryMs: 0 });
    assert.deepEqual(checks("--corrupt-check-time=1h", "--feature-gates=CompactHashCheck=true"), {
      initial: false,
      everyMs: 3_600_000,
      compactionsEveryMs: 60_000,
    });
    const older = [
      "--experimental-corrupt-check-time=2s",
      "--experimental-compact-hash-check-enabled",
      "--experimental-compact-hash-check-time=3s",
    ];
    assert.deepEqual(checks(...older), { initial: false, everyMs: 2_000, compactionsEveryMs: 3_000 });
    assert.equal(checks(...older, "--feature-gates=CompactHashCheck=false").compactionsEveryMs, 0);
  });

  it("hand a negative quota on, which is none, and tell it as etcd does", () => {
    const quota = (bytes: string) => read({ argv: [`--quota-backend-bytes=${bytes}`] }).config.quotaBytes;
    assert.deepEqual([quota("-1"), quota("0"), quota("7")], [-1, 2_147_483_648, 7]);
  });

  it("make checkpoints of leases where their gate or its older flag says so", () => {
    const everyMs = (...argv: string[]) => read({ argv }).config.leaseCheckpointMs;
    assert.equal(everyMs(), undefined);
    assert.equal(everyMs("--feature-gates=LeaseCheckpoint=true,LeaseCheckpointPersist=true"), 300_000);
    assert.equal(everyMs("--experimental-enable-lease-checkpoint"), 300_000);
    assert.equal(
      everyMs("--experimental-enable-lease-checkpoint", "--feature-gates=LeaseCheckpoint=false"),
      undefined,
    );
    assert.match(
      refusal({ argv: ["--experimental-enable-lease-checkpoint-persist"] }),
      /enabling feature gate LeaseCheckpointPersist requires enabling feature gate LeaseCheckpoint$/,
    );
  });

  it("take milvus' words and variables", () => {
    const { config } = read({
      argv: [
        "-advertise-client-urls=http://etcd:2379",
        "-listen-client-urls",
        "http://0.0.0.0:2379",
        "--data-dir",
        "/etcd",
      ],
      env: {
        ETCD_AUTO_COMPACTION_MODE: "revision",
        ETCD_AUTO_COMPACTION_RETENTION: "1000",
        ETCD_QUOTA_BACKEND_BYTES: "4294967296",
        ETCD_SNAPSHOT_COUNT: "50000",
      },
    });
    assert.deepEqual(config.autoCompaction, { mode: "revision", revisions: 1000 });
    assert.deepEqual([config.quotaBytes, config.snapshotCount], [4_294_967_296, 50_000]);
  });

  it("read the retention by its mode", () => {
    const of = (mode: string, retention: string) =>
      read({ argv: [`--auto-compaction-mode=${mode}`, `--auto-compaction-retention=${retention}`] }).config
        .autoCompaction;
    assert.deepEqual(of("periodic", "10m"), { mode: "periodic", periodMs: 600_000 });
    assert.deepEqual(of("periodic", "1h30m"), { mode: "periodic", periodMs: 5_400_000 });
    assert.deepEqual(of("periodic", "24"), { mode: "periodic", periodMs: 86_400_000 });
    for (const nothing of ["0", "0s"]) assert.equal(of("periodic", nothing), undefined);
    assert.equal(of("revision", "0"), undefined);
    for (const [mode, retention] of [
      ["periodic", "-1"],
      ["periodic", "1x"],
      ["revision", "1h"],
      ["revision", "-5"],
    ])
      assert.match(
        refusal({ argv: [`--auto-compaction-mode=${mode}`, `--auto-compaction-retention=${retention}`] }),
        /^--auto-compaction-retention: /,
      );
    assert.match(refusal({ argv: ["--auto-compaction-mode=weekly"] }), /^--auto-compaction-mode: "weekly"/);
  });

  it("refuse by name what would change what the store does", () => {
    for (const flag of [
      "--discovery=http://example.org",
      "--corrupt-check-time=-1s",
      "--compact-hash-check-time=0s",
      "--enable-v2",
      "--socket-reuse-port",
      "--pre-vote=false",
      "--proxy=on",
      "--logger=capnslog",
      "--log-format=xml",
      "--cipher-suites=TLS_NULL",
      "--tls-min-version=TLS1.0",
      "--feature-gates=LeaseCheckpointPersist=true",
      "--feature-gates=Nonsense=true",
      "--feature-gates=AllBeta=maybe",
    ]) {
      const name = flag.split("=")[0] ?? "";
      assert.ok(refusal({ argv: [flag] }).startsWith(`${name}: `), `${flag}: ${refusal({ argv: [flag] })}`);
    }
    assert.match(refusal({ argv: ["--no-such-flag=1"] }), /unknown flag --no-such-flag/);
  });

  it("name an unknown key of the file, within a section, too; unknown variables are only told", () => {
    assert.match(
      refusal({ file: "nmae: x" }),
      /etcd\.conf\.yml: unknown setting "nmae"; did you mean --name\?/,
    );
    assert.match(
      refusal({ file: "peer-transport-security:\n  cert: x" }),
      /unknown setting "peer-transport-security\.cert"/,
    );
    assert.match(refusal({ file: "client-transport-security: x" }), /must hold a mapping/);
    assert.deepEqual(unknownVariables({ ETCD_NAME: "a", ETCD_CORS: "*", ETCD_UNSUPPORTED_ARCH: "arm" }), [
      "ETCD_UNSUPPORTED_ARCH",
    ]);
  });

  it("read the section of discovery, and the sections within it", () => {
    const file = (more: string) =>
      `discovery-config:\n  token: t\n  client:\n    endpoints: [http://127.0.0.1:1]\n    request-timeout: 2000000000\n${more}`;
    const { discovery } = read({ file: file("    secure: { insecure-skip-tls-verify: true }") }).config;
    assert.deepEqual(discovery, {
      kind: "token",
      token: "t",
      endpoints: ["http://127.0.0.1:1"],
      requestMs: 2_000,
      tls: { skipVerify: true },
    });
    assert.match(
      refusal({ file: file("    auth: { username: ann }") }),
      /--discovery-user: "ann" is not supported/,
    );
    assert.match(
      refusal({ file: file("    secure: { server-name: x }") }),
      /unknown setting "discovery-config\.client\.secure\.server-name"/,
    );
  });

  it("read a section of the file as the flags of its name", () => {
    assert.match(
      refusal({ file: "peer-transport-security:\n  cert-file: /no/such.pem\n  key-file: /no/such.key" }),
      /^--peer-cert-file: cannot read \/no\/such\.pem/,
    );
    assert.match(
      refusal({ file: "client-transport-security:\n  client-cert-auth: true" }),
      /^--client-cert-auth needs --trusted-ca-file/,
    );
  });

  it("say what a port's TLS needs, and what does not go together", () => {
    const refusals: readonly (readonly [string, RegExp])[] = [
      ["--cert-file=a", /^--cert-file and --key-file must be given together/],
      ["--peer-client-key-file=a", /^--peer-client-cert-file and --peer-client-key-file must be given/],
      ["--client-crl-file=crl.pem", /^--client-crl-file needs --trusted-ca-file/],
      ["--client-cert-allowed-hostname=a", /^--client-cert-allowed-hostname needs --trusted-ca-file/],
      ["--peer-cert-allowed-cn=a", /^--peer-cert-allowed-cn needs --peer-trusted-ca-file/],
      [
        "--peer-cert-allowed-cn=a --peer-cert-allowed-hostname=b",
        /^--peer-cert-allowed-cn and --peer-cert-allowed-hostname are mutually exclusive/,
      ],
      ["--peer-auto-tls --peer-trusted-ca-file=ca.pem", /^--peer-auto-tls: certificates that members make/],
      ["--auto-tls --self-signed-cert-validity=0", /^--self-signed-cert-validity must be at least 1/],
    ];
    for (const [given, told] of refusals) assert.match(refusal({ argv: given.split(" ") }), told, given);
  });

  it("say where what is missing for TLS, and that an address is one kind's, in etcd's words", () => {
    const refusals: readonly (readonly [string, RegExp])[] = [
      [
        "--listen-metrics-urls=https://127.0.0.1:1",
        /^client TLS key\/cert \(--cert-file, --key-file\) must be provided for metrics secure url/,
      ],
      [
        "--listen-client-urls=http://127.0.0.1:1 --listen-client-http-urls=http://127.0.0.1:1",
        /^cannot bind both --listen-client-urls and --listen-client-http-urls on the same url http:/,
      ],
      [
        "--initial-cluster=default=http://localhost:2380 --discovery-srv=a.example",
        /^multiple discovery or bootstrap flags are set\. Choose one of "initial-cluster", "discovery-endpoints"/,
      ],
      ["--discovery-token=a", /^both --discovery-token and --discovery-endpoints must be set/],
      [
        "--discovery-user=a",
        /^--discovery-user: "a" is not supported: the discovery service is asked without/,
      ],
      ["--max-concurrent-streams=0", /^--max-concurrent-streams: 0 must be at least 1/],
    ];
    for (const [given, told] of refusals) assert.match(refusal({ argv: given.split(" ") }), told, given);
  });

  it("say that certificates are not made where some are given", () => {
    const flags = (...argv: readonly string[]) => parseFlags(storeFlags, argv).flags;
    assert.deepEqual(ignoredTlsFlags(flags("--auto-tls", "--peer-auto-tls", "--peer-cert-file=a")), [
      { flag: "peer-auto-tls", why: "ignoring peer auto TLS since certs given" },
    ]);
    assert.deepEqual(ignoredTlsFlags(flags("--cert-file=a")), []);
  });

  it("tell where to connect to other members from, if that is to be what they know this member by", () => {
    const urls = "http://127.0.0.1:1,http://a.example:1,http://10.0.0.2:1";
    const argv = [`--initial-advertise-peer-urls=${urls}`];
    assert.equal(read({ argv }).config.localAddress, undefined);
    argv.push("--feature-gates=SetMemberLocalAddr=true");
    assert.equal(read({ argv }).config.localAddress, "10.0.0.2");
  });

  it("keep certificates that are made where etcd keeps its", () => {
    const argv = [
      "--data-dir=d",
      "--auto-tls",
      "--listen-client-urls=https://127.0.0.1:1,https://localhost:2",
    ];
    const { config } = read({ argv });
    assert.equal(config.clientTls?.certFile, "d/fixtures/client/cert.pem");
    assert.deepEqual(config.clientTls?.selfSigned?.hosts, ["127.0.0.1", "localhost"]);
  });

  it("refuse to serve an API that is gone, and say that values that serve none have no effect", () => {
    assert.match(
      refusal({ argv: ["--v2-deprecation=not-yet"] }),
      /^--v2-deprecation: "not-yet" is not supported/,
    );
    assert.deepEqual(read({ argv: ["--v2-deprecation=write-only"] }).warned, ["v2-deprecation"]);
  });

  it("want durations with their unit, as Go does; a file's plain number counts nanoseconds", () => {
    assert.match(refusal({ argv: ["--watch-progress-notify-interval=5"] }), /with its unit/);
    const { config } = read({ file: "watch-progress-notify-interval: 5000000000" });
    assert.equal(config.watchProgressMs, 5_000);
  });

  it("listen once at an address that is given with TLS and without", () => {
    const urls = "http://127.0.0.1:2379,https://127.0.0.1:2379,http://127.0.0.1:0,http://127.0.0.1:0";
    const { config } = read({ argv: ["--auto-tls", `--listen-client-urls=${urls}`] });
    assert.deepEqual(
      config.listenClient.map(({ url, alsoPlain = false }) => [url, alsoPlain]),
      [
        ["https://127.0.0.1:2379", true],
        ["http://127.0.0.1:0", false],
        ["http://127.0.0.1:0", false],
      ],
    );
  });

  it("listen on sockets in the file system", () => {
    const urls = "http://127.0.0.1:2379,unix:///run/store.sock,unix://store.sock";
    const { config } = read({ argv: [`--listen-client-urls=${urls}`] });
    assert.deepEqual(config.listenClient.slice(1), [
      { url: "unix:///run/store.sock", socketPath: "/run/store.sock", tls: false },
      { url: "unix://store.sock", socketPath: "store.sock", tls: false },
    ]);
    const peer = "unix://peer.sock:1";
    const alone = read({ argv: [`--listen-peer-urls=${peer}`] }).config;
    assert.deepEqual(alone.listenPeer, [{ url: peer, socketPath: "peer.sock:1", tls: false }]);
    assert.match(
      refusal({ argv: ["--listen-client-urls=unixs:///run/s.sock"] }),
      /^TLS key\/cert \(--cert-file, --key-file\) must be provided for client url unixs:/,
    );
  });
});
