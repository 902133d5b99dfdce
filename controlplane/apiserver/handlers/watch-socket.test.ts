import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientOptions, WebSocket } from "ws";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { configMap, configMaps } from "../testing-objects.ts";

const origin = "https://page.example.com";

describe("watches over WebSocket", () => {
  let api: TestApiserver;
  before(async () => {
    api = await startTestApiserver();
    await api.admin.call("POST", configMaps, { body: configMap("a") });
  });
  after(() => api.stop());

  const open = (query: string, options: ClientOptions = {}, protocols: string[] = []) => {
    const { port, ca, cert, key } = api.place;
    const url = `wss://127.0.0.1:${port}${configMaps}?watch=1&${query}`;
    return new WebSocket(url, protocols, { ca, ...(cert && key && { cert, key }), origin, ...options });
  };

  /** All messages until the server closes, and its code. */
  const heard = async (socket: WebSocket) => {
    const messages: { readonly bytes: Buffer; readonly isBinary: boolean }[] = [];
    socket.on("message", (bytes: Buffer, isBinary) => messages.push({ bytes, isBinary }));
    const [code] = await once(socket, "close");
    return { messages, code };
  };

  /** The code of the answer in place of an upgrade. */
  const refusal = async (socket: WebSocket): Promise<number> => {
    socket.on("error", () => {});
    const [, response] = await once(socket, "unexpected-response");
    response.resume();
    return response.statusCode;
  };

  it("tell each change in a message of text, and end with their time", async () => {
    const socket = open("resourceVersion=0&timeoutSeconds=1");
    const all = heard(socket);
    await once(socket, "open");
    await api.admin.call("POST", configMaps, { body: configMap("b".repeat(200)) });
    const large = { ...configMap("c"), data: { large: "x".repeat(70_000) } };
    await api.admin.call("POST", configMaps, { body: large });
    const { messages, code } = await all;
    const events = messages.map(({ bytes }) => JSON.parse(bytes.toString()));
    assert.deepEqual(
      events.map(({ type, object }) => `${type} ${object.metadata.name}`),
      ["ADDED a", `ADDED ${"b".repeat(200)}`, "ADDED c"],
    );
    assert.ok(messages.every(({ isBinary }) => !isBinary));
    assert.equal(code, 1000);
  });

  it("tell protobuf in bytes, without the length that stands before it elsewhere", async () => {
    const headers = { accept: "application/vnd.kubernetes.protobuf" };
    const query = "fieldSelector=metadata.name%3Da&resourceVersion=0&timeoutSeconds=1";
    const { messages } = await heard(open(query, { headers }));
    const [first] = messages;
    assert.equal(messages.length, 1);
    assert.equal(first?.isBinary, true);
    assert.equal(first?.bytes.subarray(0, 7).toString("latin1"), "\n\u0005ADDED");
  });

  it("end with an error where they cannot begin", async () => {
    await api.admin.call("GET", configMaps);
    const { messages } = await heard(open("resourceVersion=1&timeoutSeconds=1"));
    const events = messages.map(({ bytes }) => JSON.parse(bytes.toString()));
    assert.ok(events.every(({ type }) => type === "ADDED" || type === "ERROR"));
  });

  it("take the one protocol that is named", async () => {
    const socket = open("timeoutSeconds=1", {}, ["base64.binary.k8s.io"]);
    await once(socket, "open");
    assert.equal(socket.protocol, "base64.binary.k8s.io");
    await once(socket, "close");
  });

  it("are refused to whoever names two protocols, or does not say where it comes from", async () => {
    assert.equal(await refusal(open("", {}, ["a", "b"])), 400);
    assert.equal(await refusal(open("", { origin: undefined })), 403);
    assert.equal(await refusal(open("timeoutSeconds=x")), 400);
    assert.equal(await refusal(open("", { headers: { accept: "application/yaml" } })), 406);
  });
});
