import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { ForwardListener } from "./listener.ts";

describe("the dashboard's forwards to hostile pods", () => {
  let pod: Server;
  let answer: string;
  let listener: ForwardListener;
  let reach: () => Promise<PassThrough | Socket>;

  beforeEach(async () => {
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\npod";
    pod = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(answer));
    });
    await new Promise<void>((resolve) => pod.listen(0, "127.0.0.1", () => resolve()));
    reach = async () => connect((pod.address() as AddressInfo).port, "127.0.0.1");
    listener = await ForwardListener.open(
      { label: "f-1", scheme: "http" },
      {
        redeem: () => undefined,
        isCookie: (value) => value === "cookie",
        connect: () => reach(),
        used: () => undefined,
      },
    );
  });
  afterEach(() => {
    listener.close();
    pod.close();
  });

  function begin(target: string): Socket {
    const { host, port } = new URL(listener.origin);
    const socket = connect(Number(port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nCookie: pintle-forward=cookie\r\nConnection: close\r\n\r\n`,
    );
    return socket;
  }
  async function ask(target: string): Promise<string> {
    const socket = begin(target);
    let text = "";
    for await (const piece of socket) text += piece;
    return text;
  }

  it("answer for paths that are no URL's as for any other", async () => {
    for (const target of ["//", "//[", "//x:99999999/"])
      assert.match(await ask(target), /^HTTP\/1.1 200 OK\r\n/, target);
  });

  it("outlive answers that HTTP has no code for", async () => {
    for (const code of ["000", "099"]) {
      answer = `HTTP/1.1 ${code} X\r\nContent-Length: 0\r\n\r\n`;
      assert.match(await ask("/"), /^HTTP\/1.1 502 /, code);
    }
  });

  it("let go of the pod where the browser left before it was reached", async () => {
    let isAsked: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    const made = new PassThrough();
    let give: (stream: PassThrough) => void = () => undefined;
    reach = () => {
      isAsked();
      return new Promise((resolve) => {
        give = resolve;
      });
    };
    const socket = begin("/");
    await asked;
    socket.destroy();
    await once(socket, "close");
    // An answer behind it shows that the listener has seen the browser leave.
    const { reach: slow } = { reach };
    reach = async () => connect((pod.address() as AddressInfo).port, "127.0.0.1");
    assert.match(await ask("/"), /^HTTP\/1.1 200 /);
    reach = slow;
    give(made);
    await once(made, "close");
    assert.ok(made.destroyed);
  });
});
