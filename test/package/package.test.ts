import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { describeDeployment } from "./deployed.ts";
import { type Installed, install, NoRegistryError, nodeFolder, readJson, root } from "./installed.ts";
import { run, succeed } from "./programs.ts";

const megabyte = 1_000_000;
/** Every runner with every Node; otherwise every runner with this Node, and one with each of the others. */
const isWhole = process.env.PINTLE_PACKAGE_MATRIX === "1";
const thisLine = process.versions.node.split(".")[0] ?? "";
const otherLines = ["20", "22", "24"].filter((line) => line !== thisLine);
const runners = [
  "jest",
  "jest-commonjs",
  "mocha",
  "mocha-commonjs",
  "node-test",
  "node-test-commonjs",
  "vitest",
];
/** Of the other entries. */
const further = ["client", "etcd", "store"];

describe("the package, installed outside of the repository", function () {
  this.timeout(300_000);
  let installed: Installed;

  before(async function () {
    try {
      installed = await install();
    } catch (error) {
      if (!(error instanceof NoRegistryError) || process.env.CI) throw error;
      console.error(error.message);
      this.skip();
    }
  });
  after(() => installed?.remove());

  it("is not larger than it was meant to be", async () => {
    assert.ok(installed.packedBytes < 5 * megabyte, `${installed.packedBytes} bytes packed`);
  });

  it("brings one package with it, and what that needs", async () => {
    const { dependencies } = (await readJson(join(installed.packed, "package.json"))) as {
      dependencies: object;
    };
    assert.deepEqual(Object.keys(dependencies), ["classic-level"]);
  });

  it("has every file that its exports name", async () => {
    const { exports, main, types } = (await readJson(join(installed.packed, "package.json"))) as {
      exports: object;
      main: string;
      types: string;
    };
    const paths = [...JSON.stringify([exports, main, types]).matchAll(/"(\.\/[^"]+\.[^"]+)"/g)].map(
      ([, path]) => path ?? "",
    );
    assert.ok(paths.length > 16);
    for (const path of paths)
      if (path !== "./package.json") assert.ok(existsSync(join(installed.packed, path)), path);
  });

  it("has a project for each runner", () => {
    assert.deepEqual(
      [...runners, ...further].filter((name) => !installed.projects.includes(name)),
      [],
    );
  });

  describe("is tested with", () => {
    for (const name of [...runners, ...further])
      it(name, async () => {
        await runProject(name);
      });
  });

  it("gives by require() what it gives by import", async () => {
    const program = `
      const names = (module) => Object.keys(module).filter((name) => name !== "default").sort();
      (async () => {
        const found = {};
        for (const path of ["pintle", "pintle/store", "pintle/etcd", "pintle/client"])
          found[path] = [names(require(path)), names(await import(path))];
        console.log(JSON.stringify(found));
      })();`;
    const words = [process.execPath, "--input-type=commonjs", "--eval", program];
    const { stdout } = await succeed(words, { cwd: installed.examples });
    const found = Object.entries(JSON.parse(stdout) as Record<string, [string[], string[]]>);
    assert.equal(found.length, 4);
    for (const [path, [required, imported]] of found) {
      assert.deepEqual(required, imported, path);
      assert.ok(imported.length > 0, path);
    }
  });

  for (const line of otherLines)
    describe(`on Node ${line}`, () => {
      let node: string;
      before(async () => {
        node = await nodeFolder(line, installed);
      });

      for (const name of isWhole ? [...runners, ...further] : ["node-test-commonjs"])
        it(`is tested with ${name}`, async () => {
          await runProject(name, node);
        });

      it("says what its commands are", async () => {
        const { stdout } = await succeed(["npx", "--no-install", "pintle", "help"], {
          cwd: installed.examples,
          nodeFolder: node,
        });
        assert.match(stdout, /start a local cluster/);
      });
    });

  if (isWhole)
    describe("on the oldest Node that it is for", () => {
      let oldest: string | undefined;
      for (const name of ["node-test", "node-test-commonjs", "store", "etcd"])
        it(`is tested with ${name}`, async () => {
          oldest ??= await nodeFolder("oldest", installed);
          await runProject(name, oldest);
        });
    });

  async function runProject(name: string, node?: string): Promise<void> {
    const cwd = join(installed.examples, name);
    const { output } = await succeed(["npm", "test"], {
      cwd,
      temporary: installed.folder,
      ...(node && { nodeFolder: node }),
    });
    assert.doesNotMatch(output, /Warning: (?!VM Modules)/, output);
    assert.match(output, /1 passing|Tests +1 passed|Tests: +1 passed|# pass 1|pass 1/, output);
  }

  describe("in TypeScript", () => {
    const program = (load: (path: string, name: string) => string) => `
      ${load("pintle", "cluster")}
      ${load("pintle/store", "store")}
      ${load("pintle/etcd", "etcd")}
      ${load("pintle/client", "client")}
      export const error: Error = new client.ApiError(404, { status: "Failure" } as never);
      export const nodes = async (): Promise<readonly (string | undefined)[]> => {
        const started: cluster.Cluster = await cluster.startCluster({ nodes: 2 });
        const { items } = await started.client.list(client.kinds.Node);
        await started.stop();
        return items.map(({ status }) => status?.nodeInfo?.kubeletVersion);
      };
      export const lock = async (): Promise<etcd.Lock> => {
        const opened: store.Store<string> = await store.openStore({ listen: "http://127.0.0.1:0" });
        return etcd.connect(opened.urls).lock("name");
      };
    `;
    const imports = program((path, name) => `import * as ${name} from "${path}";`);
    const requires = program((path, name) => `import ${name} = require("${path}");`);
    const typescript5 = "typescript/bin/tsc";
    const typescript7 = "typescript7/bin/tsc";
    const files = { "modules.mts": imports, "common.cts": requires };
    const cases = [
      { what: "by node16, to TypeScript 5", resolution: "node16", files, compiler: typescript5 },
      { what: "by node16, to TypeScript 7", resolution: "node16", files, compiler: typescript7 },
      {
        what: "by bundler, to TypeScript 7",
        resolution: "bundler",
        files: { "bundled.ts": imports },
        compiler: typescript7,
      },
    ] as const;

    for (const { what, ...how } of cases)
      it(`gives types, resolved ${what}`, async () => {
        assert.deepEqual(await compile(how), { status: 0, output: "" });
      });

    it("types the project of a client", async () => {
      const tsc = [process.execPath, join(root, "node_modules", typescript7)];
      const { status, output } = await run([...tsc, "-p", "."], { cwd: join(installed.examples, "client") });
      assert.deepEqual({ status, output }, { status: 0, output: "" });
    });

    it("gives types that are not any", async () => {
      const text = 'import { ApiError } from "pintle/client";\nexport const wrong: number = ApiError;\n';
      const files = { "wrong.mts": text };
      const { status, output } = await compile({ files, resolution: "node16", compiler: typescript7 });
      assert.notEqual(status, 0);
      assert.match(output, /typeof ApiError.* is not assignable to type 'number'/);
    });

    async function compile({
      files,
      resolution,
      compiler,
    }: {
      readonly files: Readonly<Record<string, string>>;
      readonly resolution: "node16" | "bundler";
      readonly compiler: string;
    }): Promise<{ readonly status: number; readonly output: string }> {
      const cwd = join(installed.examples, "typescript");
      await mkdir(cwd, { recursive: true });
      await writeFile(join(cwd, "package.json"), '{ "type": "module" }');
      for (const [file, text] of Object.entries(files)) await writeFile(join(cwd, file), text);
      const how = resolution === "node16" ? ["--module", "node16"] : ["--module", "esnext"];
      const words = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022"];
      const more = ["--moduleResolution", resolution, "--types", "node", "--skipLibCheck", "false"];
      const tsc = [process.execPath, join(root, "node_modules", compiler)];
      const { status, output } = await run([...tsc, ...words, ...more, ...how, ...Object.keys(files)], {
        cwd,
      });
      return { status, output };
    }
  });

  it("is left out of a bundle that imports it and uses nothing of it", async () => {
    const contents = 'import { RestClient } from "pintle/client"; console.log("alone");';
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: installed.examples },
      bundle: true,
      format: "esm",
      platform: "node",
      write: false,
    });
    assert.equal(outputFiles[0]?.text.includes("RestClient"), false);
  });

  describeDeployment(() => installed);

  it("starts a cluster by `npx pintle up`", async () => {
    const cwd = installed.examples;
    const pintle = ["npx", "--no-install", "pintle"];
    const here = ["--data-dir", join(installed.folder, "cluster")];
    const small = ["--replicas", "1", "--nodes", "1", "--runtime", "process", "--api-port", "0"];
    try {
      await succeed([...pintle, "up", "--detach", ...small, ...here], { cwd });
      const kubeconfig = ["--kubeconfig", join(installed.folder, "cluster/kubeconfig")];
      const { stdout } = await succeed([...pintle, "get", "nodes", ...kubeconfig], { cwd });
      assert.match(stdout, /node-1 +Ready/);
    } finally {
      await run([...pintle, "down", "--purge", ...here], { cwd });
    }
  });
});
