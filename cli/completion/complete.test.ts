import { strict as assert } from "node:assert";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { RestClient } from "../../client/rest.ts";
import type { CommandIo } from "../command.ts";
import { rowsOf } from "../command-table.ts";
import { kubectlPlugin, pintle } from "../program.ts";
import { answerShell } from "./answer.ts";
import { complete, type LiveSource } from "./complete.ts";
import { offerText } from "./offer.ts";

const asked: LiveSource[] = [];
const live = async (source: LiveSource) => {
  asked.push(source);
  return { candidates: [{ word: `some-${source.kind}` }] };
};
const offered = async (...typed: readonly string[]) => {
  asked.length = 0;
  const { candidates, files, unfinished } = await complete(pintle, typed, live);
  return { words: candidates.map(({ word }) => word), files, unfinished };
};

describe("completion", () => {
  it("offers commands and the further words of their names", async () => {
    assert.deepEqual((await offered("sc")).words, ["scale", "scheduler"]);
    assert.deepEqual((await offered("token", "")).words, ["create", "list", "delete"]);
    assert.deepEqual((await offered("store", "snapshot", "s")).words, ["save", "status"]);
    assert.deepEqual((await offered("help", "token", "c")).words, ["create"]);
    assert.ok((await offered("")).words.includes("help"));
    assert.deepEqual((await offered("bogus", "")).words, []);
  });

  it("offers flags that are not given yet, lists again and again", async () => {
    const { words } = await offered("apply", "-n", "x", "-f", "a", "--");
    assert.ok(words.includes("--filename") && words.includes("--dry-run") && words.includes("--help"));
    assert.ok(!words.includes("--namespace"));
    assert.deepEqual((await offered("store", "--initial-cluster-s")).words, ["--initial-cluster-state"]);
  });

  it("hides no command's flags behind those of a longer name", async () => {
    assert.ok((await offered("store", "snapshot", "save", "--")).words.includes("--endpoints"));
  });

  it("offers a flag's values, apart or behind =", async () => {
    assert.deepEqual((await offered("up", "--runtime", "")).words, ["auto", "oci", "process"]);
    assert.deepEqual((await offered("up", "--runtime=p")).words, ["--runtime=process"]);
    assert.deepEqual((await offered("get", "-o=y")).words, ["-o=yaml"]);
    assert.deepEqual((await offered("up", "--dual-stack=")).words, [
      "--dual-stack=true",
      "--dual-stack=false",
    ]);
    assert.deepEqual(await offered("get", "-o", "jsonp"), {
      words: ["jsonpath="],
      files: undefined,
      unfinished: true,
    });
    const gates = "ClusterTrustBundle=true,Cont";
    assert.deepEqual((await offered("up", `--feature-gates=${gates}`)).words, [
      "--feature-gates=ClusterTrustBundle=true,ContainerStopSignals=true",
    ]);
  });

  it("leaves files to the shell where a flag or a command takes some", async () => {
    assert.equal((await offered("apply", "-f", "")).files, "any");
    assert.equal((await offered("up", "--data-dir=")).files, "folders");
    assert.equal((await offered("store", "restore", "")).files, "any");
    assert.equal((await offered("exec", "web", "--", "l")).files, "any");
    assert.equal((await offered("get", "")).files, undefined);
  });

  it("asks the cluster for objects, with the flags that say which", async () => {
    assert.deepEqual((await offered("get", "-n", "shop", "--context=test", "pods", "w")).words, [
      "some-object",
    ]);
    const [{ kind, typed, words, flags }] = asked as [LiveSource];
    assert.deepEqual({ kind, typed, words }, { kind: "object", typed: "w", words: ["pods"] });
    assert.deepEqual(
      [...flags],
      [
        ["namespace", "shop"],
        ["context", "test"],
      ],
    );
    assert.deepEqual((await offered("logs", "")).words, ["some-pod"]);
    assert.deepEqual((await offered("logs", "web", "-c", "")).words, ["some-container"]);
    assert.deepEqual((await offered("get", "--namespace=")).words, ["--namespace=some-namespace"]);
    assert.deepEqual((await offered("rollout", "u")).words, ["undo"]);
    assert.deepEqual((await offered("top", "p")).words, ["pods"]);
    assert.deepEqual((await offered("rollout", "undo", "")).words, ["some-object"]);
    assert.deepEqual((await offered("node", "remove", "")).words, ["some-node"]);
    assert.deepEqual((await offered("logs", "web", "")).words, []);
  });

  it("offers a plugin's commands only", async () => {
    const { candidates } = await complete(kubectlPlugin, [""], live);
    const words = candidates.map(({ word }) => word);
    assert.ok(words.includes("why") && words.includes("token") && !words.includes("up"));
  });

  it("knows every command and every flag with a limited choice", async () => {
    for (const { name, load } of rowsOf(pintle.groups)) {
      const command = await load();
      assert.equal(command.name, name);
      for (const [flag, row] of Object.entries(command.flags)) {
        if (row.hidden || row.sameAs) continue;
        const { words } = await offered(...name.split(" "), `--${flag}`);
        assert.ok(words.includes(`--${flag}`), `${name} --${flag}`);
        if (row.choices === undefined) continue;
        const values = await offered(...name.split(" "), `--${flag}`, "");
        assert.deepEqual(values.words, row.choices, `${name} --${flag}`);
      }
    }
  });

  it("answers nothing that a shell or a terminal could read something into", () => {
    const text = offerText({
      candidates: [
        { word: "web", note: "a\u001b[2Jb\nc\td" },
        { word: "$(reboot)" },
        { word: "two words" },
        { word: "a\nb" },
        { word: "-rf;" },
      ],
    });
    assert.equal(text, "web\ta [2Jb c d\n:4\n");
    assert.equal(offerText({ candidates: [], files: "folders", unfinished: true }), ":18\n");
  });

  it("waits for a silent cluster only so long, and leaves no connection", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => {
      sockets.push(socket);
      socket.resume().on("error", () => undefined); // cut off in the middle
    });
    await once(silent.listen(0, "127.0.0.1"), "listening");
    const { port } = silent.address() as { port: number };
    let out = "";
    const io = {
      stdout: (text: string) => {
        out += text;
      },
      env: {},
      signal: new AbortController().signal,
      client: () => new RestClient({ servers: [`http://127.0.0.1:${port}`], namespace: "default" }),
    } as unknown as CommandIo;
    try {
      assert.equal(await answerShell(pintle, ["get", "po"], io, { liveMs: 100 }), 0);
      assert.equal(out, ":4\n");
      await Promise.all(sockets.map((socket) => socket.closed || once(socket, "close")));
      assert.ok(sockets.length > 0);
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });
});
