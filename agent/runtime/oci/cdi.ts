import { lstat, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { ifPresent } from "../../../base/os/if-present.ts";
import { deviceNumbers } from "../../device-numbers.ts";
import { RuntimeError } from "../seam.ts";

/** Where vendors describe devices; what is in a later folder counts before what is in an earlier one. */
export const cdiFolders = ["/etc/cdi", "/var/run/cdi"] as const;

const limits = { filesMost: 256, fileBytesMost: 4 * 1024 * 1024 } as const;

/** What of an OCI configuration devices change. */
export interface EditableSpec {
  readonly process: {
    env: string[];
    readonly user: { readonly uid: number; readonly gid: number; additionalGids: readonly number[] };
  };
  mounts: readonly object[];
  readonly linux: { devices?: readonly object[]; readonly resources: { devices: readonly object[] } };
  hooks?: Readonly<Record<string, readonly object[]>>;
}

type Fields = Readonly<Record<string, unknown>>;

/** What has to be done to a container for one device, or for any of its kind. */
interface Edits {
  readonly env: readonly string[];
  readonly deviceNodes: readonly Fields[];
  readonly mounts: readonly Fields[];
  readonly hooks: readonly Fields[];
  readonly additionalGids: readonly number[];
}

interface Kind {
  readonly file: string;
  readonly edits: Edits;
  readonly devices: ReadonlyMap<string, Edits>;
}

/** Makes devices of the Container Device Interface a container's own. Rejects with RuntimeError, naming those that nobody describes
 *  or that ask for what is not done here. */
export async function injectCdi(
  spec: EditableSpec,
  names: readonly string[],
  folders: readonly string[] = cdiFolders,
): Promise<void> {
  if (names.length === 0) return;
  const { kinds, problems } = await readKinds(folders);
  const missing: string[] = [];
  const edits: Edits[] = [];
  const seen = new Set<Kind>();
  for (const name of names) {
    const [kindName = "", device = ""] = name.split("=");
    const found = (kinds.get(kindName) ?? []).filter(({ devices }) => devices.has(device));
    // The last folder that has it, and in that one file.
    const last = found.at(-1);
    if (last === undefined) missing.push(name);
    else {
      if (found.some((one) => one !== last && folderOf(one.file) === folderOf(last.file)))
        throw new RuntimeError(`CDI device injection failed: conflicting device ${name}`);
      if (!seen.has(last)) edits.push(last.edits);
      seen.add(last);
      edits.push(last.devices.get(device) as Edits);
    }
  }
  if (missing.length > 0) {
    const why = problems.length > 0 ? ` (${problems.slice(0, 3).join("; ")})` : "";
    throw new RuntimeError(
      `CDI device injection failed: unresolvable CDI devices ${missing.join(", ")}${why}`,
    );
  }
  for (const one of edits) await apply(spec, one);
}

const folderOf = (file: string): string => file.slice(0, file.lastIndexOf("/"));

/** By kind (`vendor.com/class`), in the folders' order. What cannot be read is no kind, and told of where a device is missed. */
async function readKinds(folders: readonly string[]) {
  const kinds = new Map<string, Kind[]>();
  const problems: string[] = [];
  for (const folder of folders) {
    const names = ((await ifPresent(readdir(folder))) ?? []).filter((name) => /\.(json|yaml)$/.test(name));
    for (const name of names.sort().slice(0, limits.filesMost)) {
      const file = join(folder, name);
      try {
        const { size } = await stat(file);
        if (size > limits.fileBytesMost) throw new RuntimeError("it is too long");
        const { kindName, kind } = kindOf(file, parse(await readFile(file, "utf8")));
        kinds.set(kindName, [...(kinds.get(kindName) ?? []), kind]);
      } catch (error) {
        problems.push(`${file}: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
      }
    }
  }
  return { kinds, problems };
}

/** Throws RuntimeError. Pure. */
function kindOf(file: string, document: unknown): { readonly kindName: string; readonly kind: Kind } {
  const {
    cdiVersion,
    kind,
    devices,
    containerEdits = {},
  } = fields(document, ["cdiVersion", "kind", "devices", "containerEdits", "annotations"]);
  if (typeof cdiVersion !== "string" || !/^v?(0\.[3-9]|1\.\d)\.\d+$/.test(cdiVersion))
    throw new RuntimeError(`cdiVersion ${JSON.stringify(cdiVersion)} is not known`);
  if (typeof kind !== "string" || !/^[\w.-]+\/[\w-]+$/.test(kind)) throw new RuntimeError("it has no kind");
  const named = list(devices).map((one) => {
    const { name, containerEdits: own } = fields(one, ["name", "containerEdits", "annotations"]);
    if (typeof name !== "string") throw new RuntimeError("a device has no name");
    return [name, editsOf(own)] as const;
  });
  return { kindName: kind, kind: { file, edits: editsOf(containerEdits), devices: new Map(named) } };
}

/** What is not known would be left out: it is refused by its name. */
function editsOf(value: unknown): Edits {
  const {
    env = [],
    deviceNodes = [],
    mounts = [],
    hooks = [],
    additionalGids = [],
  } = fields(value, ["env", "deviceNodes", "mounts", "hooks", "additionalGids"]);
  return {
    env: list(env).map((one) => text(one, "env")),
    deviceNodes: list(deviceNodes).map((one) =>
      fields(one, ["path", "hostPath", "type", "major", "minor", "fileMode", "permissions", "uid", "gid"]),
    ),
    mounts: list(mounts).map((one) => fields(one, ["hostPath", "containerPath", "options", "type"])),
    hooks: list(hooks).map((one) => fields(one, ["hookName", "path", "args", "env", "timeout"])),
    additionalGids: list(additionalGids).map((one) => whole(one, "additionalGids")),
  };
}

async function apply(spec: EditableSpec, edits: Edits): Promise<void> {
  const { process, linux } = spec;
  const keyOf = (pair: string) => pair.split("=")[0];
  const keys = new Set(edits.env.map(keyOf));
  process.env = [...process.env.filter((pair) => !keys.has(keyOf(pair))), ...edits.env];
  for (const node of edits.deviceNodes) {
    const { device, access } = await deviceNode(node, process.user);
    const { path, type, major, minor } = device;
    linux.devices = [...(linux.devices ?? []).filter((one) => (one as Fields).path !== path), device];
    if (access !== "")
      linux.resources.devices = [...linux.resources.devices, { allow: true, type, major, minor, access }];
  }
  const mounts = edits.mounts.map(mountOf);
  const places = new Set(mounts.map(({ destination }) => destination));
  spec.mounts = [...spec.mounts.filter((one) => !places.has(String((one as Fields).destination))), ...mounts];
  for (const { hookName, ...hook } of edits.hooks) {
    const name = hookNames.find((one) => one === hookName);
    if (name === undefined) throw new RuntimeError(`hook ${JSON.stringify(hookName)} is not known`);
    plainPath(hook.path);
    spec.hooks = { ...spec.hooks, [name]: [...(spec.hooks?.[name] ?? []), hook] };
  }
  const gids = [...process.user.additionalGids, ...edits.additionalGids.filter((gid) => gid !== 0)];
  process.user.additionalGids = [...new Set(gids)];
}

const hookNames = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;

/** What the description leaves open is as on the host. */
async function deviceNode(node: Fields, user: { readonly uid: number; readonly gid: number }) {
  const path = plainPath(node.path);
  const hostPath = node.hostPath === undefined ? path : plainPath(node.hostPath);
  const found = await lstat(hostPath).catch((error: unknown) => {
    throw new RuntimeError(`CDI device injection failed: ${error instanceof Error ? error.message : error}`);
  });
  const onHost = found.isBlockDevice() ? "b" : found.isCharacterDevice() ? "c" : undefined;
  const type = node.type === undefined ? onHost : text(node.type, "type").replace("u", "c");
  if (type !== "b" && type !== "c")
    throw new RuntimeError(`CDI device injection failed: ${hostPath} is no device`);
  const numbers = deviceNumbers(found.rdev);
  const access = node.permissions === undefined ? "rwm" : text(node.permissions, "permissions");
  if (!/^[rwm]{0,3}$|^none$/.test(access))
    throw new RuntimeError(`CDI device injection failed: permissions ${access} are not known`);
  return {
    access: access === "none" ? "" : access,
    device: {
      path,
      type,
      major: node.major === undefined ? numbers.major : whole(node.major, "major"),
      minor: node.minor === undefined ? numbers.minor : whole(node.minor, "minor"),
      fileMode: node.fileMode === undefined ? found.mode & 0o777 : whole(node.fileMode, "fileMode"),
      uid: node.uid === undefined ? user.uid : whole(node.uid, "uid"),
      gid: node.gid === undefined ? user.gid : whole(node.gid, "gid"),
    },
  };
}

function mountOf({ hostPath, containerPath, options = [], type }: Fields) {
  const source = text(hostPath, "hostPath");
  const asked = list(options).map((one) => text(one, "options"));
  const kind = type === undefined || type === "" ? "bind" : text(type, "type");
  const isBind = asked.includes("bind") || asked.includes("rbind");
  return {
    destination: plainPath(containerPath),
    source: kind === "bind" ? plainPath(source) : source,
    type: kind,
    options: kind === "bind" && !isBind ? ["rbind", ...asked] : asked,
  };
}

function fields(value: unknown, known: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new RuntimeError("a part of it is no object");
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new RuntimeError(`${unknown} is not supported`);
  return value as Fields;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new RuntimeError("a part of it is no list");
  return value;
}

function text(value: unknown, name: string): string {
  if (typeof value !== "string" || value.includes("\0")) throw new RuntimeError(`${name} is no text`);
  return value;
}

function whole(value: unknown, name: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value >= 2 ** 32)
    throw new RuntimeError(`${name} is no whole number`);
  return value;
}

function plainPath(value: unknown): string {
  const path = text(value, "a path");
  if (!path.startsWith("/") || path.split("/").includes(".."))
    throw new RuntimeError(`${JSON.stringify(path)} is no absolute path`);
  return path;
}
