import { strict as assert } from "node:assert";
import { ConnectionError } from "../client/api-error.ts";
import type { CommandIo } from "./command.ts";
import { rowsOf } from "./command-table.ts";
import { run } from "./main.ts";
import { kubectlPlugin, pintle } from "./program.ts";

const unasked = () => assert.fail("the cluster is asked before the words are looked at");
const called = async (words: readonly string[], program = pintle, client: () => unknown = unasked) => {
  let out = "";
  let err = "";
  const io = {
    stdout: (text: string) => {
      out += text;
    },
    stderr: (text: string) => {
      err += text;
    },
    env: { PINTLE_HOME: "/nonexistent/pintle" },
    signal: AbortSignal.abort(),
    client,
  } as unknown as CommandIo;
  return { code: await run(program, words, io), out, err };
};

describe("the command line", () => {
  it("shows what there is", async () => {
    const { code, out } = await called(["help"]);
    assert.equal(code, 0);
    for (const { name } of rowsOf(pintle.groups)) assert.ok(out.includes(`\n  ${name} `), name);
    assert.equal((await called([])).code, 2);
    assert.equal((await called(["help", "why"])).out, (await called(["why", "--help"])).out);
    assert.match((await called(["version"])).out, /^pintle {6}\d+\.\d+\.\d+\nkubernetes {2}v1\./);
    assert.equal((await called(["--version"])).out, (await called(["version"])).out);
  });

  it("has an example, of itself, and plain words for every command", async () => {
    for (const { name, summary, load } of rowsOf(pintle.groups)) {
      const command = await load();
      assert.ok(command.examples.length > 0, name);
      for (const example of command.examples) assert.ok(example.includes(`pintle ${name}`), example);
      for (const text of [summary, command.summary]) assert.match(text, /^[A-Za-z].*[^.\s]$/, name);
      for (const [flag, row] of Object.entries(command.flags)) assert.ok(row.hidden || row.help !== "", flag);
    }
  });

  it("says where to look when no server answers", async () => {
    const { code, err } = await called(["get", "pods"], pintle, () => {
      throw new ConnectionError("no answer", { neverSent: true });
    });
    assert.equal(code, 1);
    assert.match(err, /^pintle get: no answer\n {2}does the cluster run\? "pintle status"/);
  });

  it("names the command that was meant, and none that was hardly", async () => {
    assert.match((await called(["upp"])).err, /^pintle: unknown command "upp"; did you mean "pintle up"\?\n/);
    assert.match((await called(["bogus"])).err, /^pintle: unknown command "bogus"\n {2}see "pintle help"\n$/);
    assert.match((await called(["tokne", "list"])).err, /did you mean "pintle token/);
    assert.equal((await called(["bogus"])).code, 2);
  });

  it("lists the commands whose names go on, and runs none in their place", async () => {
    const token = await called(["token"]);
    assert.equal(token.code, 2);
    assert.match(token.err, /^pintle token: there are\n\n {2}token create .*\n {2}token list/);
    assert.equal((await called(["token", "--help"])).code, 0);
    assert.match((await called(["token", "crate"])).err, /unknown command "crate"; there are\n/);
    const store = await called(["store", "snapshot"]);
    assert.equal(store.code, 2);
    assert.match(store.err, /^pintle store snapshot: there are\n\n {2}store snapshot save/);
    assert.match(
      (await called(["store", "snapsot"])).err,
      /^pintle store: unknown command "snapsot"; there are/,
    );
  });

  it("asks for what is missing before it asks a cluster", async () => {
    const missing: Readonly<Record<string, RegExp>> = {
      get: /which kind\? For example: pods/,
      describe: /which kind\?/,
      apply: /-f: which file\?/,
      delete: /delete what\? For example: pod\/web-1, or -f FILE/,
      logs: /which pod\?/,
      exec: /in which pod\?/,
      scale: /--replicas/,
      top: /One of nodes and pods/,
      rollout: /One of status, history, undo, restart/,
      "rollout undo": /of what\? For example: deployment\/web/,
      install: /A server or an agent/,
      uninstall: /A server or an agent/,
      "node remove": /which node\?/,
      "token delete": /which one\?/,
      "store compact": /which revision\?/,
      "store restore": /which snapshot file\?/,
      completion: /One of bash, zsh, fish/,
      server: /--data-dir: where does it keep everything\?/,
      image: /what to do\? One of import, pull and list/,
    };
    for (const [words, text] of Object.entries(missing)) {
      const { code, err } = await called(words.split(" "));
      assert.match(err, text);
      assert.match(err, /\n {2}see "pintle [a-z ]+ --help"\n$/, words);
      assert.equal(code, 2, words);
    }
  });

  it("refuses what a command does not take", async () => {
    for (const [words, text] of [
      ["up extra", /unexpected word "extra"/],
      ["up --replicas x", /--replicas: "x" is not a whole number/],
      ["up --rplicas 3", /unknown flag --rplicas; did you mean --replicas\?/],
      ["status -o yaml", /--output: "yaml" must be table or json/],
      ["get -n", /--namespace: a value is needed/],
      ["agent --log-level loud", /--log-level: "loud" must be debug, info, warn or error/],
      ["delete pod x --cascade no", /--cascade: "no" must be background, foreground or orphan/],
    ] as const) {
      const { code, err } = await called(words.split(" "));
      assert.match(err, text);
      assert.equal(code, 2, words);
    }
  });

  it("is kubectl's plugin by another name", async () => {
    const help = await called(["why", "--help"], kubectlPlugin);
    assert.match(help.out, /^kubectl pintle why /);
    assert.match(help.out, /\n {2}kubectl pintle why pod\/web-1\n/);
    assert.doesNotMatch(help.out, /(?<!kubectl )pintle why/);
    const up = await called(["up", "--nodes", "3"], kubectlPlugin);
    assert.match(up.err, /"up" is about this machine, not about a cluster: pintle up --nodes 3\n/);
    assert.equal(up.code, 2);
  });
});
