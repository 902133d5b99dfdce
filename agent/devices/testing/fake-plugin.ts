import { rm } from "node:fs/promises";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import type { Message } from "../../../base/protobuf.ts";
import { pluginCalls, podResourcesCalls, registrationCalls } from "../messages.ts";

export interface ToldDevice {
  readonly ID: string;
  readonly health?: string;
  readonly topology?: { readonly nodes: readonly { readonly ID: number }[] };
}

export interface PluginAsked {
  readonly call: string;
  readonly request: Record<string, unknown>;
}

/** Answers a call in place of the plugin's own way. Never resolving: it hangs. */
export type Behaviour = (request: never) => Promise<object | Buffer>;

const same = (bytes: Buffer) => bytes;
const bytewise = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

/** A device plugin of tests, by another library of gRPC than the agent's. */
export class FakePlugin {
  readonly asked: PluginAsked[] = [];
  readonly behaviours = new Map<string, Behaviour>();
  options = { preStartRequired: false, getPreferredAllocationAvailable: false };
  #devices: readonly ToldDevice[];
  readonly #watching = new Set<grpc.ServerWritableStream<Buffer, Buffer>>();
  #server: grpc.Server | undefined;
  #onAsked: () => void = () => undefined;

  constructor(devices: readonly ToldDevice[]) {
    this.#devices = devices;
  }

  async listen(socket: string): Promise<void> {
    const server = new grpc.Server({ "grpc.max_send_message_length": -1 });
    const definition: Record<string, grpc.MethodDefinition<Buffer, Buffer>> = {};
    const handlers: grpc.UntypedServiceImplementation = {};
    for (const [name, [asked, answered]] of Object.entries(pluginCalls)) {
      const isStream = name === "ListAndWatch";
      definition[name] = {
        path: `/v1beta1.DevicePlugin/${name}`,
        requestStream: false,
        responseStream: isStream,
        ...bytewise,
      };
      handlers[name] = isStream
        ? (call: grpc.ServerWritableStream<Buffer, Buffer>) => this.#watch(call)
        : this.#answering(name, asked as Message<object>, answered as Message<object>);
    }
    server.addService(definition, handlers);
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      ),
    );
    this.#server = server;
  }

  /** Says who it is, as plugins do. Rejects with the node's refusal. */
  async register(folder: string, request: Record<string, unknown>): Promise<void> {
    await askSocket(join(folder, "kubelet.sock"), "v1beta1.Registration", {
      calls: registrationCalls,
      call: "Register",
      request: { version: "v1beta1", ...request },
    });
  }

  tell(devices: readonly ToldDevice[]): void {
    this.#devices = devices;
    for (const call of this.#watching) call.write(this.#list());
  }

  /** What is no list of devices. */
  tellBytes(bytes: Buffer): void {
    for (const call of this.#watching) call.write(bytes);
  }

  calls(name: string): Record<string, unknown>[] {
    return this.asked.filter(({ call }) => call === name).map(({ request }) => request);
  }

  /** Resolves once something was asked for which that holds. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds())
      await new Promise<void>((resolve) => {
        this.#onAsked = resolve;
      });
  }

  /** Its socket goes with it. */
  stop(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  #watch(call: grpc.ServerWritableStream<Buffer, Buffer>): void {
    this.#watching.add(call);
    call.on("cancelled", () => this.#watching.delete(call));
    call.on("error", () => this.#watching.delete(call));
    call.write(this.#list());
    this.#note("ListAndWatch", {});
  }

  #list(): Buffer {
    const devices = this.#devices.map((one) => ({ health: "Healthy", ...one }));
    return Buffer.from(pluginCalls.ListAndWatch[1].encode({ devices }));
  }

  #answering(
    name: string,
    asked: Message<object>,
    answered: Message<object>,
  ): grpc.handleUnaryCall<Buffer, Buffer> {
    return ({ request: bytes }, callback) => {
      const request = asked.decode(bytes) as Record<string, unknown>;
      this.#note(name, request);
      const answer = this.behaviours.get(name) ?? ((one: never) => this.#answer(name, one));
      answer(request as never).then(
        (value) => callback(null, Buffer.isBuffer(value) ? value : Buffer.from(answered.encode(value))),
        (error: grpc.ServiceError) => callback(error),
      );
    };
  }

  #note(call: string, request: Record<string, unknown>): void {
    this.asked.push({ call, request });
    this.#onAsked();
  }

  async #answer(call: string, request: Record<string, unknown>): Promise<object> {
    if (call === "GetDevicePluginOptions") return this.options;
    if (call !== "Allocate") return {};
    const [{ devicesIds }] = request.containerRequests as [{ devicesIds: readonly string[] }];
    return { containerResponses: [{ envs: [{ key: "DEVICES", value: [...devicesIds].sort().join() }] }] };
  }
}

type Calls = Readonly<Record<string, readonly [Message<object>, Message<object>]>>;

/** One call at a node's socket. */
export async function askSocket(
  socket: string,
  service: string,
  asked: { readonly calls: Calls; readonly call: string; readonly request: object },
): Promise<Record<string, unknown>> {
  const [question, answer] = asked.calls[asked.call] ?? [];
  if (question === undefined || answer === undefined) throw new Error(`there is no call ${asked.call}`);
  const client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure());
  try {
    const bytes = await new Promise<Buffer>((resolve, reject) =>
      client.makeUnaryRequest(
        `/${service}/${asked.call}`,
        same,
        same,
        Buffer.from(question.encode(asked.request)),
        { deadline: Date.now() + 30_000 },
        (error, value) => (error === null && value !== undefined ? resolve(value) : reject(error)),
      ),
    );
    return answer.decode(bytes) as Record<string, unknown>;
  } finally {
    client.close();
  }
}

export const askPodResources = (socket: string, call: keyof typeof podResourcesCalls, request = {}) =>
  askSocket(socket, "v1.PodResourcesLister", { calls: podResourcesCalls, call, request });

/** Run by itself: a plugin in a process of its own. Arguments: the folder, the resource, ids of devices. */
if (process.argv[1] === import.meta.filename) {
  const [folder = "", resource = "", ...ids] = process.argv.slice(2);
  const plugin = new FakePlugin(ids.map((ID) => ({ ID })));
  const endpoint = `${resource.replace("/", "-")}.sock`;
  await rm(join(folder, endpoint), { force: true });
  await plugin.listen(join(folder, endpoint));
  await plugin.register(folder, { endpoint, resourceName: resource });
  await plugin.until(() => plugin.calls("ListAndWatch").length > 0);
  console.log("registered");
}
