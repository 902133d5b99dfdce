// Says how large the package is, packed and unpacked, and what weighs: its folders, and of the bundle each room and each package.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [packed] = JSON.parse(
  execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: root, maxBuffer: 2 ** 24 }),
);
const kb = (bytes) => `${Math.round(bytes / 1000)} kB`.padStart(9);
console.log(
  `packed   ${kb(packed.size)}\nunpacked ${kb(packed.unpackedSize)} in ${packed.entryCount} files\n`,
);

const folders = new Map();
for (const { path, size } of packed.files) {
  const folder = /^dist\/[^/]+\/|^[^/]+\//.exec(path)?.[0] ?? "its files beside";
  const sum = folders.get(folder) ?? { size: 0, zipped: 0 };
  folders.set(folder, {
    size: sum.size + size,
    zipped: sum.zipped + gzipSync(readFileSync(join(root, path))).length,
  });
}
console.log("folder              unpacked    packed (each file by itself)");
for (const [folder, { size, zipped }] of [...folders].sort((a, b) => b[1].zipped - a[1].zipped))
  console.log(`${folder.padEnd(18)} ${kb(size)} ${kb(zipped)}`);

const { outputs } = JSON.parse(readFileSync(join(root, "dist/meta.json"), "utf8"));
const rooms = new Map();
for (const { inputs } of Object.values(outputs))
  for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
    const room = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? `${input.split("/")[0]}/`;
    rooms.set(room, (rooms.get(room) ?? 0) + bytesInOutput);
  }
console.log("\nof dist/cli and dist/lib, unpacked, from 50 kB on");
for (const [room, bytes] of [...rooms].sort((a, b) => b[1] - a[1]).filter(([, bytes]) => bytes >= 50_000))
  console.log(`${room.padEnd(26)} ${kb(bytes)}`);
