import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags } from "../../base/os/flags.ts";
import { ApiError } from "../../client/api-error.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { Pod, Secret } from "../../client/types.ts";
import { apiserverFlags } from "../../controlplane/apiserver/flags.ts";
import { controllerManagerConfig, controllerManagerFlags } from "../../controlplane/controllers/flags.ts";
import { schedulerFlags } from "../../controlplane/scheduler/flags.ts";
import { storeFlags } from "../../store/flags.ts";
import { clusterLayout } from "../up/layout.ts";
import { isCommand } from "../up/plan.ts";
import { evict, planDrain } from "./drain.ts";
import { standaloneValues } from "./standalone.ts";
import { standaloneConfig, standaloneFlags } from "./standalone-flags.ts";
import { tokenTable } from "./token-list.ts";
import { idOf, newToken, shownToken, tokenSecret, tokenText } from "./tokens.ts";
import { unitName, unitText, unitWord } from "./units.ts";

describe("tokens by which machines join", () => {
  it("are for joining alone, end, and are shown without their secret", () => {
    const token = newToken();
    assert.match(tokenText(token), /^[a-z0-9]{6}\.[a-z0-9]{16}$/);
    const nowMs = Date.UTC(2026, 0, 1);
    const {
      stringData = {},
      metadata,
      type,
    } = tokenSecret(token, { endsMs: nowMs + 7_200_000, description: "rack\x1b[2J" });
    assert.equal(stringData.expiration, "2026-01-01T02:00:00Z");
    assert.equal(stringData["auth-extra-groups"], "system:bootstrappers:pintle:nodes");
    const data = Object.fromEntries(
      Object.entries(stringData).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
    );
    const shown = shownToken({ metadata, type, data } as unknown as Secret);
    assert.ok(shown);
    const table = tokenTable([shown, { ...shown, id: "other0", endsMs: nowMs - 1 }], nowMs);
    assert.match(
      table,
      new RegExp(`^${token.id} +2h +2026-01-01T02:00:00Z +authentication,signing +rack\\?\\[2J$`, "m"),
    );
    assert.match(table, /^other0 +ended/m);
    assert.ok(!table.includes(token.secret));
    assert.equal(shownToken({ metadata, type: "Opaque", data } as unknown as Secret), undefined);
    assert.deepEqual(
      [idOf("abcdef"), idOf(`abcdef.${"0".repeat(16)}`), idOf("abcdef.0")],
      ["abcdef", "abcdef", undefined],
    );
  });
});

describe("a server for several machines", () => {
  const config = (words: readonly string[], own = ["10.0.0.1"]) => {
    const { flags, given } = parseFlags(standaloneFlags, words);
    return standaloneConfig(flags, given, own);
  };

  it("knows all that its parts are told by its folder and its address", () => {
    const found = config(["--data-dir=/d", "--tls-san=c.example.com,192.0.2.7"]);
    assert.ok(found);
    assert.deepEqual([found.addresses, found.names], [["10.0.0.1", "192.0.2.7"], ["c.example.com"]]);
    assert.equal(found.kubernetesServiceIp, "10.96.0.1");
    const tables = {
      store: storeFlags,
      apiserver: apiserverFlags,
      scheduler: schedulerFlags,
      "controller-manager": controllerManagerFlags,
    };
    const values = standaloneValues(found, clusterLayout("/d"), tables);
    assert.equal(values["apiserver.enable-bootstrap-token-auth"], true);
    assert.deepEqual(values["apiserver.bind-address"], ["127.0.0.1", "10.0.0.1"]);
    const managed = Object.entries(values)
      .filter(([name]) => name.startsWith("controller-manager."))
      .map(([name, value]) => `--${name.slice("controller-manager.".length)}=${value}`);
    const { controllers } = controllerManagerConfig(parseFlags(controllerManagerFlags, managed).flags);
    assert.ok(controllers.includes("node-certificate-approving-controller"));
    assert.equal(config([]), undefined);
  });

  it("may have ranges of both families", () => {
    const ranges = [
      "--cluster-cidr=10.244.0.0/16,fd00:244::/56",
      "--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112",
    ];
    const found = config(["--data-dir=/d", ...ranges]);
    assert.equal(found?.clusterCidr, "10.244.0.0/16,fd00:244::/56");
    assert.equal(found?.serviceRange, "10.96.0.0/16,fd00:96::/112");
    assert.equal(found?.kubernetesServiceIp, "10.96.0.1");
  });

  it("is refused by name what cannot be", () => {
    assert.throws(() => config(["--tls-san=a"]), /--tls-san: needs --data-dir/);
    assert.throws(
      () => config(["--data-dir=/d"], []),
      /--advertise-address: needed, as this machine has no address/,
    );
    assert.throws(
      () => config(["--data-dir=/d"], ["10.0.0.1", "10.1.0.1"]),
      /several addresses \(10.0.0.1, 10.1.0.1\)/,
    );
    for (const [flag, ...bad] of [
      ["advertise-address", "127.0.0.1", "0.0.0.0", "host", "fd00::1"],
      ["cluster-cidr", "10.96.0.0/12", "10.0.0.0/8", "x", "10.244.0.0/24"],
      [
        "service-cluster-ip-range",
        "10.0.0.0/16",
        "fd00::/64",
        "10.96.0.0/16,fd00::/112",
        "10.96.0.0/16,fd00::/40",
      ],
      ["tls-san", "a_b", "https://a"],
      ["api-port", "0", "70000"],
    ] as const)
      for (const value of bad)
        assert.throws(
          () => config(["--data-dir=/d", `--${flag}=${value}`]),
          new RegExp(`--${flag}|--cluster-cidr`),
          value,
        );
  });
});

describe("units for systemd", () => {
  const words = ["--server=https://10.0.0.1:6443", "--node-labels=a=b c", '--x=100%$HOME"\\'];

  it("say each word as it is", () => {
    assert.equal(unitWord("--a=b:c/d"), "--a=b:c/d");
    assert.equal(unitWord("a b"), '"a b"');
    assert.equal(unitWord('%$HOME"\\;'), '"%%$$HOME\\"\\\\;"');
    assert.equal(unitWord(""), '""');
    assert.throws(() => unitWord("a\nExecStartPre=/bin/evil"), RangeError);
  });

  it("let pods outlive their agent", () => {
    const agent = unitText({ kind: "agent", program: ["/usr/bin/pintle"], flags: words });
    assert.match(agent, /^ExecStart=\/usr\/bin\/pintle agent --server=/m);
    assert.match(agent, /^KillMode=process$/m);
    assert.doesNotMatch(unitText({ kind: "server", program: ["/p"], flags: [] }), /KillMode/);
  });

  it("are taken by systemd (needs systemd-analyze)", () => {
    if (!isCommand("systemd-analyze")) {
      // Debian's slim images have none; the text is held to above.
      return;
    }
    const folder = mkdtempSync(join(tmpdir(), "pintle-unit-"));
    try {
      for (const kind of ["server", "agent"] as const) {
        const path = join(folder, unitName(kind));
        writeFileSync(path, unitText({ kind, program: [process.execPath], flags: words }));
        execFileSync("systemd-analyze", ["verify", "--man=no", path], { stdio: "pipe" });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("a node's pods when it goes", () => {
  const pod = (name: string, more: object = {}, kind = "ReplicaSet") =>
    ({
      metadata: {
        name,
        namespace: "shop",
        uid: name,
        ownerReferences: kind ? [{ kind, controller: true }] : [],
        ...more,
      },
    }) as unknown as Pod;

  it("are evicted where others are made in their place, and lost where nobody makes any", () => {
    const mirror = { annotations: { "kubernetes.io/config.mirror": "x" } };
    const over = { ...pod("over"), status: { phase: "Succeeded" } } as Pod;
    const plan = planDrain([
      pod("web"),
      pod("daemon", {}, "DaemonSet"),
      pod("bare", {}, ""),
      pod("static", mirror, "Node"),
      over,
    ]);
    const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);
    assert.deepEqual([names(plan.evict), names(plan.lost)], [["web"], ["bare"]]);
  });

  it("wait for their budget, and say so once", async () => {
    const clock = new ManualClock();
    const answers = [429, 429, 0];
    const told: string[] = [];
    const client = {
      get: () => Promise.reject(new Error("not asked")),
      createSubresource: async () => {
        const code = answers.shift() ?? 0;
        if (code !== 0)
          throw new ApiError(code, { code, message: "the disruption budget keeps it", status: "Failure" });
        return {} as never;
      },
    };
    const done = evict(pod("web"), {
      client,
      clock,
      signal: new AbortController().signal,
      gracePeriodSeconds: undefined,
      onKept: ({ metadata }, why) => told.push(`${metadata.name}: ${why}`),
    });
    await clock.advance(5_000);
    await clock.advance(5_000);
    await done;
    assert.deepEqual([answers, told], [[], ["web: the disruption budget keeps it"]]);
  });
});
