import assert from "node:assert/strict";
import { cleanPath, foldersTo, inFolder, sizeText } from "./files.ts";
import { portsOf } from "./ports.ts";

describe("the dashboard's files", () => {
  it("says sizes as people do", () => {
    const cases = {
      0: "0 B",
      999: "999 B",
      1000: "1.0 kB",
      9949: "9.9 kB",
      9960: "10 kB",
      999600: "1.0 MB",
      5e9: "5.0 GB",
    };
    for (const [bytes, said] of Object.entries(cases)) assert.equal(sizeText(Number(bytes)), said);
  });
  it("reads paths as people type them, and leads to them", () => {
    assert.equal(cleanPath("a//b/./../c/"), "/a/c");
    assert.equal(cleanPath("../.."), "/");
    assert.equal(inFolder("/", "a"), "/a");
    assert.equal(inFolder("/a", "b"), "/a/b");
    assert.deepEqual(
      foldersTo("/a/b").map(({ path }) => path),
      ["/", "/a", "/a/b"],
    );
  });
});

describe("the dashboard's ports", () => {
  it("are those that a pod or service says it has, with what is likely spoken there", () => {
    const metadata = { name: "x" };
    const service = {
      metadata,
      spec: {
        ports: [
          { name: "web", port: 80 },
          { name: "https", port: 7443 },
        ],
      },
    };
    assert.deepEqual(
      portsOf("core/services", service).map(({ port, scheme }) => [port, scheme]),
      [
        [80, "http"],
        [7443, "https"],
      ],
    );
    const ports = [{ containerPort: 53, protocol: "UDP" }, { containerPort: 8443 }];
    const pod = { metadata, spec: { containers: [{ name: "c", ports }, { name: "d" }] } };
    assert.deepEqual(portsOf("core/pods", pod), [
      { port: 53, name: "", container: "c", protocol: "UDP", scheme: "http" },
      { port: 8443, name: "", container: "c", protocol: "TCP", scheme: "https" },
    ]);
    assert.deepEqual(portsOf("core/secrets", pod), []);
  });
});
