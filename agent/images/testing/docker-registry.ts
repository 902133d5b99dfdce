import { spawn } from "node:child_process";
import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createAuthority } from "../../../base/os/pki.ts";

/** Debian's docker-registry on a free port, with a folder of its own. */
export interface DockerRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  stop(): Promise<void>;
}

/** With `accounts` (`user:password`) it gives nothing without a token, which a server of the test's own makes for them. */
export async function startDockerRegistry(
  program: string,
  accounts?: readonly string[],
): Promise<DockerRegistry> {
  const dir = await mkdtemp(join(tmpdir(), "pintle-docker-registry-"));
  const tokens = accounts === undefined ? undefined : await startTokenServer(accounts);
  if (tokens !== undefined) await writeFile(join(dir, "tokens.pem"), tokens.certificatePem);
  const configuration = {
    version: 0.1,
    log: { accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(dir, "data") } },
    http: { addr: "127.0.0.1:0", secret: "of the test's" },
    ...(tokens !== undefined && {
      auth: {
        token: {
          realm: tokens.realm,
          service: tokenService,
          issuer: tokenIssuer,
          rootcertbundle: join(dir, "tokens.pem"),
        },
      },
    }),
  };
  await writeFile(join(dir, "config.yml"), JSON.stringify(configuration)); // which is YAML, too
  const child = spawn(program, ["serve", join(dir, "config.yml")], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "exit");
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
    tokens?.stop();
    await rm(dir, { recursive: true, force: true });
  };
  const said: string[] = [];
  const host = await new Promise<string>((resolve, reject) => {
    createInterface(child.stderr).on("line", (line) => {
      said.push(line);
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
    ended.then(() => reject(new Error(`docker-registry ended: ${said.join("\n")}`)));
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { host, stop };
}

const tokenService = "registry of the test";
const tokenIssuer = "tokens of the test";

/** Gives tokens (docs.docker.com/registry/spec/auth/token) for repositories to accounts, and to others such that open nothing. */
async function startTokenServer(accounts: readonly string[]) {
  const { certificatePem, privateKeyPem } = await createAuthority({ name: tokenIssuer });
  const key = createPrivateKey(privateKeyPem);
  const certificate = certificatePem.replace(/-----.*-----|\s/g, "");
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const server: Server = createServer((request, answer) => {
    const { searchParams } = new URL(request.url ?? "", "http://tokens");
    const basic = /^Basic (.*)$/.exec(request.headers.authorization ?? "")?.[1];
    const account = basic === undefined ? undefined : Buffer.from(basic, "base64").toString("utf8");
    if (account !== undefined && !accounts.includes(account)) {
      answer.writeHead(401).end();
      return;
    }
    const access = searchParams.getAll("scope").map((scope) => {
      const [type, name, actions = ""] = scope.split(":");
      return { type, name, actions: actions.split(",") };
    });
    const seconds = Math.floor(Date.now() / 1000);
    const claims = {
      iss: tokenIssuer,
      sub: account?.split(":")[0] ?? "",
      aud: tokenService,
      exp: seconds + 300,
      nbf: seconds - 10,
      iat: seconds,
      jti: randomUUID(),
      access: account === undefined ? [] : access,
    };
    const signed = `${encode({ typ: "JWT", alg: "ES256", x5c: [certificate] })}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
    answer.end(JSON.stringify({ token: `${signed}.${signature.toString("base64url")}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    certificatePem,
    realm: `http://127.0.0.1:${port}/token`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
