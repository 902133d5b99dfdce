import { spawnSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import type { Message } from "../../../base/protobuf.ts";
import { mountPoints } from "../../volumes/sub-paths.ts";
import { identityCalls, nodeCalls, registrationCalls } from "../messages.ts";

export interface Asked {
  readonly call: string;
  readonly request: Record<string, unknown>;
}

/** Answers a call in place of the driver's own way: the answer, or an error. Never resolving: it hangs. */
export type Behaviour = (request: Record<string, unknown>) => Promise<object | Buffer>;

const services = {
  "pluginregistration.Registration": registrationCalls,
  "csi.v1.Identity": identityCalls,
  "csi.v1.Node": nodeCalls,
} as const;

/** A CSI driver of tests, which registers by the same socket. It stages nothing, and publishes a folder of its own: mounted
 *  where the tests are root's. */
export class FakeDriver {
  readonly asked: Asked[] = [];
  readonly told: { pluginRegistered: boolean; error: string }[] = [];
  abilities: readonly string[] = ["STAGE_UNSTAGE_VOLUME", "EXPAND_VOLUME"];
  name = "fake.example.com";
  endpoint = "";
  nodeInfo: object = { nodeId: "id-of-n1", maxVolumesPerNode: 3 };
  /** By call. */
  readonly behaviours = new Map<string, Behaviour>();
  readonly #data: string;
  #server: grpc.Server | undefined;
  #onAsked: () => void = () => undefined;

  /** @param data Where its volumes lie. */
  constructor(data: string) {
    this.#data = data;
  }

  async listen(socket: string): Promise<void> {
    const server = new grpc.Server({ "grpc.max_send_message_length": -1 });
    for (const [service, calls] of Object.entries(services))
      server.addService(...this.#serve(service, calls as never));
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      ),
    );
    this.#server = server;
  }

  /** Its socket goes with it. */
  stop(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  calls(name: string): Record<string, unknown>[] {
    return this.asked.filter(({ call }) => call === name).map(({ request }) => request);
  }

  /** Resolves once something was asked or told for which that holds. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds())
      await new Promise<void>((resolve) => {
        this.#onAsked = resolve;
      });
  }

  #serve(service: string, calls: Record<string, readonly [Message<object>, Message<object>]>) {
    const same = (bytes: Buffer) => bytes;
    const definition: Record<string, grpc.MethodDefinition<Buffer, Buffer>> = {};
    const handlers: Record<string, grpc.handleUnaryCall<Buffer, Buffer>> = {};
    for (const [name, [asked, answered]] of Object.entries(calls)) {
      definition[name] = {
        path: `/${service}/${name}`,
        requestStream: false,
        responseStream: false,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      };
      handlers[name] = ({ request: bytes }, callback) => {
        const request = asked.decode(bytes) as Record<string, unknown>;
        this.asked.push({ call: name, request });
        this.#onAsked();
        const answer = this.behaviours.get(name) ?? ((one) => this.#answer(name, one));
        answer(request).then(
          (value) => callback(null, Buffer.isBuffer(value) ? value : Buffer.from(answered.encode(value))),
          (error: grpc.ServiceError) => callback(error),
        );
      };
    }
    return [definition, handlers] as const;
  }

  async #answer(call: string, request: Record<string, unknown>): Promise<object> {
    switch (call) {
      case "GetInfo":
        return { type: "CSIPlugin", name: this.name, endpoint: this.endpoint, supportedVersions: ["1.0.0"] };
      case "NotifyRegistrationStatus":
        this.told.push(request as never);
        this.#onAsked();
        return {};
      case "GetPluginInfo":
        return { name: this.name };
      case "NodeGetInfo":
        return this.nodeInfo;
      case "NodeGetCapabilities":
        return { capabilities: this.abilities.map((type) => ({ rpc: { type } })) };
      case "NodePublishVolume":
        await this.publish(request);
        return {};
      case "NodeUnpublishVolume":
        await this.unpublish(String(request.targetPath));
        return {};
      default:
        return {};
    }
  }

  async publish({ volumeId, targetPath }: Record<string, unknown>): Promise<void> {
    const [own, target] = [join(this.#data, String(volumeId)), String(targetPath)];
    await mkdir(own, { recursive: true });
    await writeFile(join(own, "name"), String(volumeId));
    await mkdir(target, { recursive: true });
    if (process.getuid?.() !== 0 || (await mountPoints()).includes(target)) return;
    const { status, stderr } = spawnSync("mount", ["--bind", own, target], { encoding: "utf8" });
    if (status !== 0) throw { code: grpc.status.INTERNAL, details: stderr };
  }

  async unpublish(target: string): Promise<void> {
    if ((await mountPoints()).includes(target)) spawnSync("umount", [target]);
    await rm(target, { recursive: true, force: true });
  }
}

export const refusal = (code: keyof typeof grpc.status, details: string) =>
  Object.assign(new Error(details), { code: grpc.status[code], details });
