import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Pack, pack } from "tar-stream";
import { findProgram } from "../../choose.ts";
import { mustRun, runCommand } from "../../supervised/run-command.ts";

/** A container runtime of this test's own. */
export interface TestContainerd {
  /** Its folder. */
  readonly dir: string;
  readonly endpoint: string;
  readonly cniConfDir: string;
  readonly cniBinDir: string;
  /** Ends the runtime alone: its containers go on. */
  kill(): Promise<void>;
  /** After `kill`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** The image that shows nothing but folders and links to where the host's programs are mounted, and busybox. */
export const testImage = "pintle.test/host:1";
const pauseImage = "pintle.test/pause:1";
/** What lies where the image's links point. */
export const hostPrograms = [{ hostPath: "/usr", containerPath: "/usr", readOnly: true }];

export interface ContainerdOptions {
  readonly program?: string;
  /** The shim of the same release. */
  readonly pathBefore?: string;
}

const programs = () => ({
  loopback: findProgram("/usr/lib/cni/loopback") ?? findProgram("/opt/cni/bin/loopback"),
  ctr: findProgram("ctr"),
  busybox: findProgram("busybox"),
  runc: findProgram("runc"),
});

/** Whether this machine has all that is needed: root, containerd, runc, busybox and the plugin `loopback`. */
export const canRunContainerd = (): boolean =>
  process.getuid?.() === 0 &&
  findProgram("containerd") !== undefined &&
  Object.values(programs()).every((path) => path !== undefined);

/** Undefined where this machine cannot run it. */
export async function startContainerd({
  program = findProgram("containerd"),
  pathBefore = "",
}: ContainerdOptions = {}): Promise<TestContainerd | undefined> {
  const { loopback, ctr, busybox } = programs();
  if (!canRunContainerd() || !program || !loopback || !ctr || !busybox) return undefined;
  const dir = await mkdtemp(join(tmpdir(), "pintle-containerd-"));
  await chmod(dir, 0o711);
  const [cniConfDir, cniBinDir] = [join(dir, "cni-conf"), join(dir, "cni-bin")];
  for (const one of [cniConfDir, cniBinDir]) await mkdir(one);
  await symlink(loopback, join(cniBinDir, "loopback"));
  const socket = join(dir, "containerd.sock");
  await writeFile(join(dir, "config.toml"), configText({ dir, socket, cniConfDir, cniBinDir }));
  const env = { ...process.env, PATH: `${pathBefore}:${process.env.PATH}:/usr/sbin:/sbin` };
  let running = await boot(program, join(dir, "config.toml"), env);
  const stop = async () => {
    await running.end("SIGTERM");
    await unmountBelow(dir);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    for (const [name, command] of [
      [testImage, ["/bin/sh"]],
      [pauseImage, ["/busybox", "sh", "-c", 'trap "exit 0" TERM INT; sleep 2147483647 & wait $!']],
    ] as const) {
      const archive = join(dir, "image.tar");
      await writeFile(archive, await imageArchive(name, command, busybox));
      await mustRun([ctr, "--address", socket, "--namespace", "k8s.io", "images", "import", archive]);
      await rm(archive);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    dir,
    endpoint: `unix://${socket}`,
    cniConfDir,
    cniBinDir,
    kill: () => running.end("SIGKILL"),
    restart: async () => {
      running = await boot(program, join(dir, "config.toml"), env);
    },
    stop,
  };
}

/** Resolves once it serves. */
async function boot(
  program: string,
  config: string,
  env: NodeJS.ProcessEnv,
): Promise<{ end(signal: NodeJS.Signals): Promise<void> }> {
  const child = spawn(program, ["--config", config], { stdio: ["ignore", "ignore", "pipe"], env });
  let said = "";
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      if (said.includes("containerd successfully booted")) return;
      said += text;
      if (said.includes("containerd successfully booted")) resolve();
    });
    child.once("exit", () => reject(new Error(`containerd ended: ${said}`)));
  });
  return {
    end: async (signal) => {
      child.kill(signal);
      await exited;
      child.stderr?.destroy();
    },
  };
}

/** Both of release 1.6 and of 2: of a plugin that is not there nothing is read. */
function configText(o: { dir: string; socket: string; cniConfDir: string; cniBinDir: string }): string {
  const q = JSON.stringify;
  return `version = 2
root = ${q(join(o.dir, "root"))}
state = ${q(join(o.dir, "state"))}
[grpc]
  address = ${q(o.socket)}
[ttrpc]
  address = ${q(`${o.socket}.ttrpc`)}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${q(pauseImage)}
  restrict_oom_score_adj = true
  stats_collect_period = 1
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${q(o.cniBinDir)}
    conf_dir = ${q(o.cniConfDir)}
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.other]
      runtime_type = "io.containerd.runc.v2"
`;
}

/** An OCI layout of one layer. */
async function imageArchive(name: string, command: readonly string[], busybox: string): Promise<Buffer> {
  const layer = await packed((into) => {
    for (const folder of ["usr", "root", "tmp", "proc", "dev", "sys", "mnt", "etc", "var", "run"])
      into.entry({ name: folder, type: "directory", mode: folder === "tmp" ? 0o1777 : 0o755 });
    for (const link of ["bin", "sbin", "lib", "lib64", "lib32"])
      into.entry({ name: link, type: "symlink", linkname: `usr/${link}` });
    into.entry({ name: "etc/passwd" }, "root:x:0:0:root:/root:/bin/sh\nsomebody:x:1234:1235::/:/bin/sh\n");
    into.entry({ name: "etc/group" }, "root:x:0:\nsomegroup:x:1235:\n");
    return [{ name: "busybox", mode: 0o755, path: busybox }];
  });
  const config = {
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    config: { Cmd: command, Env: ["FROM_IMAGE=yes"], WorkingDir: "/" },
    rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
  };
  const configBytes = Buffer.from(JSON.stringify(config));
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: describe("application/vnd.oci.image.config.v1+json", configBytes),
    layers: [describe("application/vnd.oci.image.layer.v1.tar", layer)],
  };
  const manifestBytes = Buffer.from(JSON.stringify(manifest));
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        ...describe("application/vnd.oci.image.manifest.v1+json", manifestBytes),
        annotations: { "io.containerd.image.name": name },
      },
    ],
  };
  return packed((into) => {
    into.entry({ name: "oci-layout" }, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    into.entry({ name: "index.json" }, JSON.stringify(index));
    for (const blob of [layer, configBytes, manifestBytes])
      into.entry({ name: `blobs/sha256/${digestOf(blob).slice(7)}` }, blob);
    return [];
  });
}

async function packed(
  fill: (into: Pack) => readonly { name: string; mode: number; path: string }[],
): Promise<Buffer> {
  const into = pack();
  const pieces: Buffer[] = [];
  const read = (async () => {
    for await (const piece of into) pieces.push(piece as Buffer);
  })();
  for (const { path, ...header } of fill(into)) into.entry(header, await readFile(path));
  into.finalize();
  await read;
  return Buffer.concat(pieces);
}

const digestOf = (bytes: Buffer) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const describe = (mediaType: string, bytes: Buffer) => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

async function unmountBelow(dir: string): Promise<void> {
  const points = (await readFile("/proc/self/mountinfo", "utf8"))
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((point) => point.startsWith(`${dir}/`));
  for (const point of points.reverse()) await runCommand(["umount", "-l", point]);
}
