import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { statusText } from "./answers.ts";
import { safeHeaders } from "./hygiene.ts";

const contentTypes: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
  woff2: "font/woff2",
};

interface Asset {
  readonly file: string;
  readonly contentType: string;
  /** Made when it is first asked for. */
  packed?: Promise<{ readonly bytes: Buffer; readonly tag: string }>;
}

/** The pages that the build made. Only files that were there at the start are served: a path from outside is looked up, and never
 *  joined to a folder. */
export class Assets {
  readonly #files: ReadonlyMap<string, Asset>;

  private constructor(files: ReadonlyMap<string, Asset>) {
    this.#files = files;
  }

  static async open(folder = builtFolder()): Promise<Assets> {
    const names = await readdir(folder);
    return new Assets(
      new Map(
        names.flatMap((name): [string, Asset][] => {
          const contentType = contentTypes[name.slice(name.lastIndexOf(".") + 1)];
          if (contentType === undefined) return [];
          const path = name === "index.html" ? "/" : `/assets/${name}`;
          return [[path, { file: join(folder, name), contentType }]];
        }),
      ),
    );
  }

  /** False: there is no such file. */
  async serve(path: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const asset = this.#files.get(path);
    if (asset === undefined) return false;
    if (request.method !== "GET" && request.method !== "HEAD") {
      statusText(response, 405, `${request.method} is not for pages`);
      return true;
    }
    asset.packed ??= pack(asset.file);
    const { bytes, tag } = await asset.packed;
    const headers = {
      ...safeHeaders,
      "content-type": asset.contentType,
      // A file's name says what is in it; only the page that names them changes under its name.
      "cache-control": path === "/" ? "no-cache" : "public, max-age=31536000, immutable",
      etag: tag,
      vary: "accept-encoding",
    };
    if (request.headers["if-none-match"] === tag) {
      response.writeHead(304, headers).end();
    } else if (/\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""))) {
      response.writeHead(200, { ...headers, "content-encoding": "gzip", "content-length": bytes.length });
      response.end(request.method === "HEAD" ? undefined : bytes);
    } else {
      response
        .writeHead(200, headers)
        .end(request.method === "HEAD" ? undefined : await readFile(asset.file));
    }
    return true;
  }
}

async function pack(file: string): Promise<{ readonly bytes: Buffer; readonly tag: string }> {
  const plain = await readFile(file);
  const tag = `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`;
  return { bytes: await promisify(gzip)(plain, { level: 9 }), tag };
}

/** `dist/dashboard`, seen from a bundle in `dist/` or from the sources. */
function builtFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const built = join(folder, "dist/dashboard");
    try {
      readFileSync(join(built, "index.html"));
      return built;
    } catch {
      if (dirname(folder) === folder) throw new Error("dist/dashboard is missing: run `npm run build`");
    }
  }
}
