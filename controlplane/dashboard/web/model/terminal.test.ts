import assert from "node:assert/strict";
import type { KubeObject } from "../api/object-feed.ts";
import { commandPath, endingOf, readFrame, resizeFrame, stdinFrame } from "./remote-command.ts";
import { commandsFor, isNotThere } from "./shells.ts";
import { debugPatch, terminalContainers } from "./terminal-containers.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (of: string) => new TextEncoder().encode(of);

describe("the dashboard's terminal", () => {
  const wish = { namespace: "a/b", pod: "p", container: "c d", tty: true, stdin: true };

  it("asks for exec with its words, and for attach without", () => {
    assert.equal(
      commandPath({ ...wish, command: ["sh", "-c", "a&b"] }),
      "/api/v1/namespaces/a%2Fb/pods/p/exec?command=sh&command=-c&command=a%26b&container=c+d&stdin=true&stdout=true&tty=true",
    );
    assert.equal(
      commandPath({ ...wish, tty: false, stdin: false }),
      "/api/v1/namespaces/a%2Fb/pods/p/attach?container=c+d&stdout=true&stderr=true",
    );
  });

  it("reads and writes the frames of the protocol", () => {
    assert.deepEqual(readFrame(bytes("\x01out")), { is: "output", bytes: bytes("out") });
    assert.deepEqual(readFrame(bytes("\x02err")), { is: "output", bytes: bytes("err") });
    assert.equal(readFrame(bytes("\x07?")), undefined);
    assert.equal(readFrame(new Uint8Array()), undefined);
    assert.equal(text(stdinFrame(bytes("ls"))), "\0ls");
    assert.equal(text(resizeFrame(80, 24)), '\x04{"Width":80,"Height":24}');
  });

  it("tells how a session ended", () => {
    const failure = {
      status: "Failure",
      reason: "NonZeroExitCode",
      message: "command terminated with exit code 137",
      details: { causes: [{ reason: "ExitCode", message: "137" }] },
    };
    assert.deepEqual(endingOf('{"status":"Success"}'), { is: "exit", code: 0 });
    assert.deepEqual(endingOf(JSON.stringify(failure)), { is: "exit", code: 137 });
    assert.deepEqual(endingOf('{"status":"Failure","message":"no such file"}'), {
      is: "failed",
      message: "no such file",
    });
    assert.deepEqual(endingOf("cut"), { is: "failed", message: "cut" });
  });

  it("tries bash through sh, and then by itself", () => {
    const [first, second] = commandsFor("shell") ?? [];
    assert.match(first?.join(" ") ?? "", /^sh -c .*exec bash; exec sh$/);
    assert.deepEqual(second, ["bash"]);
    assert.equal(commandsFor("attach"), undefined);
  });

  it("knows a shell that is not there from one that ended", () => {
    const missing = { is: "failed", message: 'exec: "sh": executable file not found in $PATH' } as const;
    assert.ok(isNotThere(missing));
    assert.ok(isNotThere({ is: "exit", code: 127 }));
    assert.ok(!isNotThere({ is: "exit", code: 1 }));
    assert.ok(!isNotThere({ is: "lost" }));
  });

  it("puts the container first that kubectl takes", () => {
    const running = { state: { running: {} } };
    const pod: KubeObject = {
      metadata: { name: "p", annotations: { "kubectl.kubernetes.io/default-container": "side" } },
      spec: {
        initContainers: [{ name: "init" }],
        containers: [{ name: "main", tty: true, stdin: true }, { name: "side" }],
        ephemeralContainers: [{ name: "debugger", tty: true }],
      },
      status: { containerStatuses: [{ name: "main", ...running }] },
    };
    const found = terminalContainers(pod);
    assert.deepEqual(
      found.map(({ name }) => name),
      ["side", "main", "debugger", "init"],
    );
    assert.deepEqual(found[1], { name: "main", isRunning: true, tty: true, stdin: true });
    assert.equal(found[0]?.isRunning, false);
  });

  it("adds a debug container beside the others", () => {
    assert.deepEqual(debugPatch("debugger-1", "busybox", "main"), {
      spec: {
        ephemeralContainers: [
          {
            name: "debugger-1",
            image: "busybox",
            targetContainerName: "main",
            stdin: true,
            tty: true,
            imagePullPolicy: "IfNotPresent",
            terminationMessagePolicy: "File",
          },
        ],
      },
    });
  });
});
