import { dirname } from "node:path";
import type { Image } from "./image.ts";

/** The host's own file system as an image: needs no registry, and everything installed on the host is there at the same
 *  path, this program and its Node included: `node "$PINTLE" …` runs `pintle …`. */
export const hostImageName = "pintle.local/host:latest";

export const hostImage: Image = {
  id: "host",
  names: [hostImageName],
  digests: [],
  sizeBytes: 0,
  config: {
    Cmd: ["/bin/sh"],
    Env: [
      `PATH=${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      `PINTLE=${process.argv[1]}`,
    ],
    WorkingDir: "/",
  },
};
