import { rejects } from "node:assert/strict";
import { openStore } from "./open-store.ts";

/** As a program without types calls it. */
// biome-ignore lint/suspicious/noExplicitAny: that is what is looked at
const open = openStore as (options: any) => ReturnType<typeof openStore>;

describe("what is handed to openStore", () => {
  it("is refused by name where it is unknown or not of its kind: no data goes elsewhere than was meant", async () => {
    const peers = { a: "http://127.0.0.1:1" };
    const wrong: readonly [unknown, RegExp][] = [
      [null, /the options: null must be an object/],
      ["data", /the options: "data" must be an object/],
      [{ foldr: "data" }, /foldr: there is no such option; there are folder, /],
      [{ folder: null }, /folder: null must be the path of a folder/],
      [{ folder: "a\0b" }, /folder: /],
      [{ folder: "", listen: 5 }, /folder: "" .*\nlisten: 5 must be an address/s],
      [{ listen: "127.0.0.1:0" }, /^listen: "127.0.0.1:0" must look like http:/],
      [{ history: 5 }, /history: 5 must be "all"/],
      [{ history: {} }, /history: must be "all", or say either ms or revisions/],
      [{ history: { ms: 50, revisions: 5 } }, /say either ms or revisions/],
      [{ history: { ms: 9 } }, /history.ms: 9 must be a whole number of at least 10/],
      [{ quotaBytes: "5" }, /quotaBytes: "5" must be/],
      [{ requestBytesMax: 1 }, /requestBytesMax: 1 must be a whole number of at least 1024/],
      [{ flags: "x" }, /flags: "x" must be an object/],
      [{ flags: { "--name": "x" } }, /there is no flag "--name"/],
      [{ flags: { "log-level": {} } }, /log-level: an object must be/],
      [{ codec: "json" }, /codec: "json" must be a codec/],
      [{ namespace: 5 }, /namespace: 5 must be/],
      [{ timeoutMs: Number.NaN }, /timeoutMs: NaN must be/],
      [{ signal: {} }, /signal: an object must be an AbortSignal/],
      [{ clock: {}, log: true, seed: 0.5 }, /clock: .*\nlog: .*\nseed: /s],
      [{ folder: "m", member: {} }, /member.name: is needed\nmember.peers: is needed/],
      [{ folder: "m", member: { name: "a,b", peers } }, /member.name: "a,b" must be a name without , and =/],
      [{ folder: "m", member: { name: "b", peers } }, /does not list this member, "b"/],
      [{ folder: "m", member: { name: "toString", peers } }, /does not list this member/],
      [{ folder: "m", member: { name: "a", peers: { a: 5 } } }, /member.peers: a: 5 must be/],
      [{ folder: "m", member: { name: "a", peers, stat: "new" } }, /member.stat: there is no such option/],
    ];
    for (const [options, words] of wrong)
      await rejects(
        async () => open(options),
        { name: "UsageError", message: words },
        `${JSON.stringify(options)}: ${words}`,
      );
  });
});
