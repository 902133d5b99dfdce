import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { readNetwork } from "./config-folder.ts";
import { CniConfigError, networkListOf, networkOfOne } from "./network-list.ts";
import { addressesOf, CniPluginError, pluginFailure, spokenVersions } from "./plugin-answer.ts";
import { pluginEnvironment, pluginInput } from "./plugin-input.ts";

describe("CNI configurations", () => {
  const list = (more: object = {}) =>
    JSON.stringify({ cniVersion: "1.0.0", name: "net", plugins: [{ type: "bridge" }], ...more });
  const one = (more: object = {}) =>
    JSON.stringify({ cniVersion: "0.4.0", name: "one", type: "ptp", ...more });

  it("are refused by name where they are none", () => {
    const wrong: readonly [string, RegExp][] = [
      ["{", /not JSON/],
      ["[]", /no JSON object/],
      [list({ name: "" }), /name is missing/],
      [list({ name: "../net" }), /name is missing, or has other/],
      [list({ plugins: {} }), /plugins is no list/],
      [list({ plugins: [{}] }), /type is missing/],
      [list({ plugins: [{ type: "../../bin/sh" }] }), /no name of a plugin/],
      [list({ plugins: [{ type: "x", capabilities: [] }] }), /capabilities of x/],
      [list({ cniVersion: "9.0.0" }), /none of 0\.1\.0/],
      [list({ disableCheck: "perhaps" }), /disableCheck is neither/],
      [list({ plugins: Array(33).fill({ type: "x" }) }), /more than 32/],
    ];
    for (const [text, why] of wrong)
      assert.throws(
        () => networkListOf(text),
        (error) => error instanceof CniConfigError && why.test(error.message),
        text,
      );
    assert.throws(() => networkOfOne(JSON.stringify({ name: "x", plugins: [] })), /type is missing/);
  });

  it("know which versions they are for", () => {
    assert.deepEqual(networkListOf(list()).versions, ["1.0.0"]);
    assert.deepEqual(networkListOf(list({ cniVersions: ["1.1.0", "0.4.0", "7"] })).versions, [
      "0.4.0",
      "1.0.0",
      "1.1.0",
    ]);
    assert.deepEqual(networkOfOne(JSON.stringify({ name: "x", type: "y" })).versions, ["0.1.0"]);
  });

  describe("in a folder", () => {
    let dir: string;
    const put = (file: string, text: string) => writeFileSync(join(dir, file), text);
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), "pintle-conf-"));
    });
    afterEach(() => rmSync(dir, { recursive: true, force: true }));

    it("are the first by name that can be read; others and the agent's own are passed over", async () => {
      assert.deepEqual(await readNetwork(join(dir, "missing")), { network: undefined, faults: [] });
      put("00-pintle-pods.conflist", list({ name: "pintle-pods" }));
      put("05-late.conflist.tmp", list({ name: "tmp" }));
      assert.equal((await readNetwork(dir)).network, undefined);
      put("30-c.conflist", list({ name: "c" }));
      assert.equal((await readNetwork(dir)).network?.name, "c");
      put("20-b.conf", one({ name: "b" }));
      assert.equal((await readNetwork(dir)).network?.name, "b");
      put("1-a.json", one({ name: "a" }));
      assert.equal((await readNetwork(dir)).network?.name, "a");
      // A list in a file for one plugin, half a file, a folder, and one that never ends.
      put("0-list.conf", list());
      put("0-half.conflist", list().slice(0, 30));
      mkdirSync(join(dir, "0-folder.conf"));
      symlinkSync("/dev/zero", join(dir, "0-endless.conf"));
      const { network, faults } = await readNetwork(dir);
      assert.equal(network?.name, "a");
      assert.deepEqual(
        faults.map((fault) => fault.split(":")[0]),
        ["0-endless.conf", "0-folder.conf", "0-half.conflist", "0-list.conf"],
      );
    });

    it("have the plugins of the folder that is named as they are, unless they want none", async () => {
      mkdirSync(join(dir, "net"));
      put("net/20-z.conf", JSON.stringify({ type: "z" }));
      put("net/10-y.conf", JSON.stringify({ type: "y" }));
      put("10.conflist", list());
      const types = async () => (await readNetwork(dir)).network?.plugins.map(({ type }) => type);
      assert.deepEqual(await types(), ["bridge", "y", "z"]);
      put("10.conflist", list({ loadOnlyInlinedPlugins: true }));
      assert.deepEqual(await types(), ["bridge"]);
      put("10.conflist", list({ plugins: [] }));
      assert.deepEqual(await types(), ["y", "z"]);
      put("10.conflist", list({ plugins: [], loadOnlyInlinedPlugins: true }));
      assert.deepEqual((await readNetwork(dir)).faults, ["10.conflist: it has no plugins"]);
    });
  });
});

describe("what CNI plugins are told and say", () => {
  it("is the environment of the specification, and no value is two", () => {
    const names = new Set([
      "PATH",
      "CNI_COMMAND",
      "CNI_PATH",
      "CNI_CONTAINERID",
      "CNI_NETNS",
      "CNI_IFNAME",
      "CNI_ARGS",
    ]);
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (containerId, netnsPath, value) => {
        let made: Record<string, string>;
        try {
          made = pluginEnvironment({
            command: "ADD",
            binDirs: ["/opt/cni/bin"],
            attachment: { containerId, ifName: "eth0" },
            netnsPath,
            args: [["A", value]],
          });
        } catch (error) {
          assert.match(String(error), /cannot be told to a plugin/);
          return;
        }
        assert.deepEqual(new Set(Object.keys(made)), names);
        assert.equal(made.CNI_ARGS?.split(/[;=]/).length, 2);
        assert.ok(!Object.values(made).some((text) => text.includes("\0")));
      }),
    );
  });

  it("is the plugin's own configuration, with what was before and what it asks for", () => {
    const [plugin] = networkListOf(
      '{"name":"n","cniVersion":"1.0.0","plugins":[{"type":"t","__proto__":{"a":1},"name":"other","prevResult":{},"capabilities":{"dns":true}}]}',
    ).plugins;
    assert.ok(plugin);
    const news = { prevResult: { ips: [] }, capabilityArgs: { dns: { servers: [] }, portMappings: [] } };
    assert.equal(
      pluginInput(plugin, { name: "n", version: "1.0.0" }, news),
      '{"type":"t","__proto__":{"a":1},"name":"n","capabilities":{"dns":true},"cniVersion":"1.0.0","runtimeConfig":{"dns":{"servers":[]}},"prevResult":{"ips":[]}}',
    );
    assert.ok(!pluginInput(plugin, { name: "n", version: "0.2.0" }, news).includes("prevResult"));
  });

  it("is read whatever it is", () => {
    const jsons = fc.json();
    fc.assert(
      fc.property(fc.oneof(jsons, fc.string()), (stdout) => {
        const failure = pluginFailure("plugin x", { stdout, stderr: "\u0007 oh", failure: "exit status 1" });
        assert.ok(failure.message.length < 1_200 && !/\p{Cc}/u.test(failure.message));
        spokenVersions({ stdout, stderr: "" });
      }),
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("ips", "interfaces", "ip4", "ip6"), fc.jsonValue()),
        (result) => {
          try {
            for (const { address } of addressesOf("x", result as never, "eth0"))
              assert.match(address, /^[\d.]+$|^[0-9a-f:]+$/);
          } catch (error) {
            assert.ok(error instanceof CniPluginError);
          }
        },
      ),
    );
    const old = { ip4: { ip: "10.1.0.5/24", gateway: "10.1.0.1" }, ip6: { ip: "fd00::5/64" } };
    assert.deepEqual(addressesOf("x", old, "eth0"), [
      { address: "10.1.0.5", gateway: "10.1.0.1" },
      { address: "fd00::5", gateway: "" },
    ]);
    assert.deepEqual(
      spokenVersions({ stdout: '{"code":1,"msg":"?"}', stderr: "", failure: "exit status 1" }),
      ["0.1.0", "0.2.0"],
    );
  });
});
