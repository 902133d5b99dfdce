import { strict as assert } from "node:assert";
import { RuntimeError } from "../seam.ts";
import { defaultProfile, seccompOf } from "./seccomp-profile.ts";
import { allowedCalls, allowedCallsOf, callsByCapability, refusedCalls } from "./seccomp-table.ts";

interface Rule {
  readonly names: readonly string[];
  readonly action: string;
  readonly args: readonly { readonly value: number }[];
}
const actionsOf = (call: string, capabilities: readonly string[], arch = "x64") => {
  const { syscalls } = defaultProfile(arch, capabilities) as unknown as { syscalls: readonly Rule[] };
  const rules = syscalls.filter(({ names }) => names.includes(call));
  return rules.map(
    ({ action, args }) => `${action.slice("SCMP_ACT_".length)}${args.length > 0 ? " if" : ""}`,
  );
};

describe("the default seccomp profile", () => {
  it("refuses what reaches beyond the container, but for the capability that opens it", () => {
    for (const call of ["keyctl", "add_key", "io_uring_setup", "kexec_load", "userfaultfd"])
      assert.deepEqual(actionsOf(call, ["CAP_SYS_ADMIN"]), ["ERRNO"], call);
    for (const [call, capability] of [
      ["mount", "CAP_SYS_ADMIN"],
      ["unshare", "CAP_SYS_ADMIN"],
      ["setns", "CAP_SYS_ADMIN"],
      ["bpf", "CAP_BPF"],
      ["kcmp", "CAP_SYS_PTRACE"],
      ["init_module", "CAP_SYS_MODULE"],
      ["settimeofday", "CAP_SYS_TIME"],
    ] as const) {
      assert.deepEqual(actionsOf(call, ["CAP_CHOWN"]), ["ERRNO"], call);
      assert.deepEqual(actionsOf(call, [capability]), ["ALLOW"], call);
    }
  });

  it("lets clone make processes but no namespaces, and hides clone3", () => {
    const rules = actionsOf("clone", []);
    assert.equal(rules[0], "ALLOW if");
    assert.deepEqual(new Set(rules.slice(1)), new Set(["ERRNO if"]));
    assert.deepEqual(actionsOf("clone3", []), []);
    assert.deepEqual(actionsOf("clone3", ["CAP_SYS_ADMIN"]), ["ALLOW"]);
    assert.equal(defaultProfile("x64", []).defaultErrnoRet, 38);
  });

  it("knows the calls of its architecture, and no other architecture", () => {
    assert.deepEqual(actionsOf("arch_prctl", []), ["ALLOW"]);
    assert.deepEqual(actionsOf("arch_prctl", [], "arm64"), []);
    assert.deepEqual(actionsOf("sync_file_range2", [], "arm64"), ["ALLOW"]);
    assert.throws(() => defaultProfile("mips", []), /there is no profile for mips/);
  });

  it("names no call in two of its tables", () => {
    const words = (texts: Readonly<Record<string, string>>) => Object.values(texts).join(" ").split(/\s+/);
    const tables = [
      words(allowedCalls),
      words(allowedCallsOf),
      [...new Set(words(callsByCapability))],
      refusedCalls.split(/\s+/),
    ].flat();
    assert.deepEqual(
      tables.filter((name, at) => tables.indexOf(name) !== at),
      [],
    );
  });
});

describe("a container's seccomp profile", () => {
  it("is refused by name where the node cannot filter", async () => {
    const places = { profilesDir: "/none", isSupported: false };
    assert.equal(await seccompOf({ type: "Unconfined" }, [], places), undefined);
    await assert.rejects(
      seccompOf({ type: "RuntimeDefault" }, [], places),
      new RuntimeError("seccompProfile RuntimeDefault: seccomp is not supported on this node"),
    );
  });
});
