import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CertificatePem } from "../../client/rules/tls-secret.ts";

/** nginx with these servers in its configuration. @param workers Processes that answer; 1: there is no other one. */
export async function startNginx(
  program: string,
  servers: string,
  ports: readonly number[],
  workers = 1,
): Promise<ChildProcess> {
  const folder = await mkdtemp(join(tmpdir(), "pintle-nginx-"));
  const file = join(folder, "nginx.conf");
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (one) => `${one}_temp_path ${folder}/${one};`,
  );
  const text = `daemon off; ${workers === 1 ? "master_process off" : `user root; worker_processes ${workers}`}; pid ${folder}/pid; error_log stderr warn;
events { worker_connections 4096; }
http { access_log off; ${temp.join(" ")} keepalive_requests 100000000; ${servers} }`;
  await writeFile(file, text);
  const child = spawn(program, ["-p", folder, "-c", file], { stdio: ["ignore", "ignore", "inherit"] });
  await Promise.all(ports.map(untilOpen));
  return child;
}

export const backendServer = (port: number): string =>
  `server { listen 127.0.0.1:${port} backlog=4096; default_type text/plain; location / { return 200 "${"x".repeat(512)}"; } }`;

export async function proxyServers(
  ports: { readonly http: number; readonly https: number; readonly backend: number },
  { certificatePem, keyPem }: CertificatePem,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "pintle-nginx-tls-"));
  await writeFile(join(folder, "cert.pem"), certificatePem);
  await writeFile(join(folder, "key.pem"), keyPem, { mode: 0o600 });
  const location = `location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Forwarded-Port $server_port;
    proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Request-ID $request_id; }`;
  return `upstream backend { server 127.0.0.1:${ports.backend}; keepalive 320; keepalive_requests 100000000; }
    server { listen 127.0.0.1:${ports.http} backlog=4096; server_name bench.test; ${location} }
    server { listen 127.0.0.1:${ports.https} ssl http2; server_name bench.test; ssl_certificate ${folder}/cert.pem;
      ssl_certificate_key ${folder}/key.pem; ${location} }`;
}

async function untilOpen(port: number): Promise<void> {
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("close", () => socket.destroy());
      socket.once("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
