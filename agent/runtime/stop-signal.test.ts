import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { signalNames, signalNumber, stopSignalNumber } from "./stop-signal.ts";

describe("signals of containers", () => {
  it("have the numbers that the shell knows them by", () => {
    const aliases: Record<string, string> = { SIGCLD: "SIGCHLD", SIGIOT: "SIGABRT", SIGPOLL: "SIGIO" };
    const asked = signalNames.map((name) => aliases[name] ?? name);
    const told = execFileSync("bash", ["-c", 'for one in "$@"; do kill -l "$one"; done', "bash", ...asked], {
      encoding: "utf8",
    });
    assert.deepEqual(signalNames.map(signalNumber), told.trim().split("\n").map(Number));
    assert.equal(signalNames.length, 65);
  });

  it("are named with or without their prefix, or by number", () => {
    assert.deepEqual(
      ["SIGUSR1", "usr1", "10", "SIGRTMIN+3", "64", "RTMAX-1"].map(signalNumber),
      [10, 10, 10, 37, 64, 63],
    );
  });

  it("are nothing else: an image may name an option of the program that sends them", () => {
    for (const text of ["", "0", "65", "-9", "--all", "SIGNOPE", "SIGRTMIN+16", "9 9", "SIG"])
      assert.deepEqual([signalNumber(text), stopSignalNumber(text)], [undefined, 15], text);
  });
});
