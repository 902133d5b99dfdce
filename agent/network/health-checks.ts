import { createServer, type Server } from "node:http";
import type { Clock } from "../../base/os/clock.ts";
import type { HealthCheck } from "./service-plan.ts";

export interface HealthChecksParts {
  readonly clock: Clock;
  /** Where the ports are opened: the node's address of each family. */
  readonly hosts: readonly string[];
  /** Whether the proxy keeps up with the cluster. */
  readonly isHealthy: () => boolean;
  /** A port could not be opened; it is tried again. */
  readonly onFailure: (check: HealthCheck, error: Error) => void;
}

interface Listener {
  check: HealthCheck;
  /** By the hosts. */
  readonly servers: Map<string, Server>;
  readonly cancelRetries: Map<string, () => void>;
}

const retryMs = 5000;
const headersTimeoutMs = 5000;

/** Answers load balancers at the `healthCheckNodePort` of Services whose external traffic stays on the node. */
export class HealthChecks {
  readonly #parts: HealthChecksParts;
  readonly #listeners = new Map<number, Listener>();

  constructor(parts: HealthChecksParts) {
    this.#parts = parts;
  }

  /** Makes the open ports equal to these. */
  update(checks: readonly HealthCheck[]): void {
    const wanted = new Map(checks.map((check) => [check.port, check]));
    for (const [port, listener] of this.#listeners) if (!wanted.has(port)) this.#close(port, listener);
    for (const [port, check] of wanted) {
      const known = this.#listeners.get(port);
      if (known !== undefined) {
        known.check = check;
        continue;
      }
      const listener: Listener = { check, servers: new Map(), cancelRetries: new Map() };
      this.#listeners.set(port, listener);
      for (const host of this.#parts.hosts) this.#listen(host, port, listener);
    }
  }

  stop(): void {
    for (const [port, listener] of [...this.#listeners]) this.#close(port, listener);
  }

  #listen(host: string, port: number, listener: Listener): void {
    const server = createServer({ headersTimeout: headersTimeoutMs }, (_, response) => {
      const { check } = listener;
      const healthy = this.#parts.isHealthy();
      response.writeHead(check.localEndpoints > 0 && healthy ? 200 : 503, {
        "Content-Type": "application/json",
        "X-Content-Type-Options": "nosniff",
        "X-Load-Balancing-Endpoint-Weight": String(check.localEndpoints),
      });
      response.end(healthText(check, healthy));
    });
    listener.servers.set(host, server);
    server.on("error", (error) => {
      if (this.#listeners.get(port) !== listener) return;
      this.#parts.onFailure(listener.check, error);
      const cancel = this.#parts.clock.after(retryMs, () => this.#listen(host, port, listener));
      listener.cancelRetries.set(host, cancel);
    });
    server.listen({ host, port, exclusive: true });
  }

  #close(port: number, { servers, cancelRetries }: Listener): void {
    this.#listeners.delete(port);
    for (const cancel of cancelRetries.values()) cancel();
    for (const server of servers.values()) {
      server.close();
      server.closeAllConnections();
    }
  }
}

/** kube-proxy's words, tabs included. */
function healthText({ service, localEndpoints }: HealthCheck, healthy: boolean): string {
  const { namespace, name } = service.metadata;
  return JSON.stringify(
    { service: { namespace, name }, localEndpoints, serviceProxyHealthy: healthy },
    undefined,
    "\t",
  );
}
