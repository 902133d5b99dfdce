import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { systemClock } from "../../base/os/clock.ts";
import { plainSettings } from "./plain-settings.ts";
import type { UpstreamEvents, UpstreamExchange, UpstreamHead } from "./upstream.ts";
import { Http1Upstream } from "./upstream-http1.ts";

/** An endpoint that says what a test has it say. */
class Endpoint {
  readonly connections: { readonly socket: Socket; heard: string }[] = [];
  readonly #server: Server;
  #onHeard: () => void = () => undefined;

  constructor() {
    this.#server = createServer((socket) => {
      const connection = { socket, heard: "" };
      this.connections.push(connection);
      socket.on("error", () => undefined);
      socket.on("data", (bytes) => {
        connection.heard += bytes.toString("latin1");
        this.#onHeard();
      });
    });
  }

  async listen(): Promise<{ readonly address: string; readonly port: number }> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return { address: "127.0.0.1", port: (this.#server.address() as { port: number }).port };
  }

  /** Resolves once some connection was told what ends so. */
  heard(at: number, end: string): Promise<Socket> {
    return new Promise((resolve) => {
      const look = () => {
        const connection = this.connections[at];
        if (connection?.heard.endsWith(end)) resolve(connection.socket);
      };
      this.#onHeard = look;
      look();
    });
  }

  close(): void {
    this.#server.close();
    for (const { socket } of this.connections) socket.destroy();
  }
}

/** Writes down all that is told of a request. */
class Teller implements UpstreamEvents {
  readonly told: string[] = [];
  takes = true;
  #look: () => void = () => undefined;

  /** Resolves once this was told. */
  until(what: string | RegExp): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (this.told.some((one) => (typeof what === "string" ? one === what : what.test(one)))) resolve();
      };
      this.#look();
    });
  }

  #tell(what: string): void {
    this.told.push(what);
    this.#look();
  }

  connected = () => this.#tell("connected");
  answered: UpstreamEvents["answered"] = ({ status }) => this.#tell(String(status));
  data = (bytes: Buffer) => {
    this.#tell(`data ${bytes.toString("latin1")}`);
    return this.takes;
  };
  paused = () => undefined;
  ended: UpstreamEvents["ended"] = (trailers) => this.#tell(["ended", ...trailers].join(" "));
  drained = () => this.#tell("drained");
  failed: UpstreamEvents["failed"] = ({ kind, wasReused }) =>
    this.#tell(`${kind}${wasReused ? " on a connection that had served" : ""}`);
}

const get = (more: Partial<UpstreamHead> = {}): UpstreamHead => ({
  method: "GET",
  path: "/",
  headers: ["host", "a.test"],
  hasBody: false,
  bodyBytes: undefined,
  settings: plainSettings,
  ...more,
});
const post = (bodyBytes?: number) => get({ method: "POST", hasBody: true, bodyBytes });
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

describe("connections to endpoints that speak HTTP/1.1", () => {
  let endpoint: Endpoint;
  let at: { readonly address: string; readonly port: number };
  let upstream: Http1Upstream;
  beforeEach(async () => {
    endpoint = new Endpoint();
    at = await endpoint.listen();
    upstream = new Http1Upstream(systemClock, { isTls: false });
  });
  afterEach(() => {
    upstream.close();
    endpoint.close();
  });

  const send = (head: UpstreamHead = get()): { teller: Teller; exchange: UpstreamExchange } => {
    const teller = new Teller();
    return { teller, exchange: upstream.send(at, head, teller) };
  };
  /** Asks on the connection with this place, which answers so. */
  const ask = async (place: number, answer: string): Promise<Teller> => {
    const { teller } = send();
    (await endpoint.heard(place, "\r\n\r\n")).write(answer);
    await teller.until(/^(ended|broken|invalid)/);
    const connection = endpoint.connections[place];
    if (connection !== undefined) connection.heard = "";
    return teller;
  };

  it("serve one request after the other", async () => {
    assert.deepEqual((await ask(0, ok)).told, ["connected", "200", "data ok", "ended"]);
    assert.deepEqual((await ask(0, ok)).told, ["connected", "200", "data ok", "ended"]);
    assert.equal(endpoint.connections.length, 1);
  });

  it("are as many as there are requests at a time", async () => {
    const two = [send(), send()];
    for (const [place] of two.entries()) (await endpoint.heard(place, "\r\n\r\n")).write(ok);
    for (const { teller } of two) await teller.until("ended");
    assert.equal(endpoint.connections.length, 2);
  });

  const notKept: Readonly<Record<string, string>> = {
    "says so": "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "keeps none idle": "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n",
    "speaks HTTP/1.0": "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "says more than was asked": `${ok}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
    "says what is no answer": "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
  };
  for (const [name, answer] of Object.entries(notKept))
    it(`serve no other request where the endpoint ${name}`, async () => {
      await ask(0, answer);
      await ask(1, ok);
    });

  it("serve no other request where the endpoint says something unasked", async () => {
    await ask(0, ok);
    const socket = endpoint.connections[0]?.socket;
    const closed = new Promise((resolve) => socket?.once("close", resolve));
    socket?.write("HTTP/1.1 200 OK\r\n\r\n");
    await closed;
    await ask(1, ok);
  });

  it("serve no other request where the answer came before the request was whole", async () => {
    const { teller, exchange } = send(post(10));
    await teller.until("connected");
    exchange.write(Buffer.from("12345"));
    (await endpoint.heard(0, "12345")).write(ok);
    await teller.until("ended");
    assert.equal(exchange.write(Buffer.from("67890")), true, "nobody waits for what nobody reads");
    await ask(1, ok);
  });

  it("frame bodies by their length, or by chunks", async () => {
    for (const [head, wire] of [
      [post(5), "content-length: 5\r\n\r\nhello"],
      [post(), "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
    ] as const) {
      const { teller, exchange } = send(head);
      await teller.until("connected");
      exchange.write(Buffer.from("hello"));
      exchange.write(Buffer.alloc(0));
      exchange.end();
      (await endpoint.heard(0, wire)).write(ok);
      await teller.until("ended");
    }
    assert.equal(endpoint.connections.length, 1);
  });

  it("pass on no body that is longer or shorter than it says", async () => {
    for (const bytes of ["longer", "s"]) {
      const { teller, exchange } = send(post(5));
      await teller.until("connected");
      exchange.write(Buffer.from(bytes));
      exchange.end();
      await teller.until("broken");
    }
  });

  it("pass on no head that is more than one", () => {
    for (const more of [
      { path: "/ HTTP/1.1\r\nA: b" },
      { method: "GET /" },
      { headers: ["a", "b\r\nc: d"] },
      { headers: ["a: b\r\nc", "d"] },
      { headers: ["a", "\u0100"] },
    ])
      assert.throws(() => send(get(more)), JSON.stringify(more));
  });

  it("are told of as having served where they end under a request", async () => {
    await ask(0, ok);
    const { teller } = send();
    (await endpoint.heard(0, "\r\n\r\n")).destroy();
    await teller.until("broken on a connection that had served");
  });

  it("give no whole answer where they end within it", async () => {
    const { teller } = send();
    (await endpoint.heard(0, "\r\n\r\n")).end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell");
    await teller.until("broken");
    assert.deepEqual(teller.told.slice(1), ["200", "data hell", "broken"]);
  });

  it("give whole answers that end with them", async () => {
    const { teller } = send();
    (await endpoint.heard(0, "\r\n\r\n")).end("HTTP/1.1 200 OK\r\n\r\nall");
    await teller.until("ended");
  });

  it("are read from no faster than is taken", async () => {
    const { teller, exchange } = send();
    teller.takes = false;
    const socket = await endpoint.heard(0, "\r\n\r\n");
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none");
    await teller.until("data one");
    socket.write("two");
    // All that came before is read by the time another connection has served.
    await ask(1, ok);
    assert.deepEqual(teller.told, ["connected", "200", "data one"]);
    teller.takes = true;
    exchange.resume();
    await teller.until("ended");
    assert.deepEqual(teller.told.slice(3), ["data two", "ended"]);
  });

  it("are waited for where there are as many as may be", async () => {
    upstream.close();
    upstream = new Http1Upstream(systemClock, { isTls: false, connectionsMost: 1 });
    const [first, left, second, late] = [
      send(),
      send(),
      send(),
      send(get({ settings: { ...plainSettings, connectTimeoutMs: 1 } })),
    ];
    await late.teller.until("connectTimeout");
    left.exchange.destroy();
    const socket = await endpoint.heard(0, "\r\n\r\n");
    assert.equal(endpoint.connections.length, 1);
    socket.write(ok);
    await first.teller.until("ended");
    // Where the one that is waited for is lost, another one is made.
    const third = send();
    (
      await endpoint.heard(0, "\r\n\r\nGET / HTTP/1.1\r\nhost: a.test\r\nconnection: keep-alive\r\n\r\n")
    ).destroy();
    await second.teller.until(/^broken/);
    (await endpoint.heard(1, "\r\n\r\n")).write(ok);
    await third.teller.until("ended");
    assert.deepEqual(left.teller.told, []);
    assert.equal(endpoint.connections.length, 2);
  });
});

describe("connections that nobody uses", () => {
  it("end before the endpoint ends them, and one whose endpoint says nothing is given up", async () => {
    let nowMs = 0;
    const timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();
    const clock = {
      monotonicMs: () => nowMs,
      after: (ms: number, fire: () => void) => {
        const timer = { atMs: nowMs + ms, fire };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
    };
    const pass = (ms: number) => {
      nowMs += ms;
      for (const timer of [...timers]) if (timer.atMs <= nowMs && timers.delete(timer)) timer.fire();
    };
    const endpoint = new Endpoint();
    const at = await endpoint.listen();
    const upstream = new Http1Upstream(clock, { isTls: false });
    try {
      const ask = async (place: number) => {
        const teller = new Teller();
        upstream.send(at, get(), teller);
        (await endpoint.heard(place, "\r\n\r\n")).write(ok);
        await teller.until("ended");
      };
      await ask(0);
      pass(3_000);
      await ask(0);
      const closed = new Promise((resolve) => endpoint.connections[0]?.socket.once("close", resolve));
      pass(3_000);
      pass(1_000);
      await closed;
      const silent = new Teller();
      upstream.send(at, get(), silent);
      await endpoint.heard(1, "\r\n\r\n");
      pass(59_000);
      assert.deepEqual(silent.told, ["connected"]);
      pass(1_000);
      assert.deepEqual(silent.told, ["connected", "timeout"]);
    } finally {
      upstream.close();
      endpoint.close();
    }
    assert.equal(timers.size, 0, "no timer is left behind");
  });
});
