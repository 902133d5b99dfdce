import { describeError, type Log } from "../../../base/os/log.ts";
import {
  type Netlink,
  type NetlinkOptions,
  netlinkProtocols,
  openNetlink,
} from "../netlink/netlink-socket.ts";
import { type EncodedChange, encodeTableRequest, type TableName } from "./encode-change.ts";
import { parseReplies, type Replies } from "./replies.ts";

/** The kernel's nftables, spoken to without a program for each change. */
export interface NftSocket {
  /** False once it turned out that there is none here: programs must do. */
  readonly isUsable: boolean;
  /** Rejects where the kernel refused the change, of which it then has nothing; or where the way to it broke: it may have it. */
  commit(change: EncodedChange): Promise<void>;
  hasTable(table: TableName): Promise<boolean>;
  close(): void;
}

export class NftRefusal extends Error {
  override readonly name = "NftRefusal";
}

export function openNftSocket(log: Log, options: Pick<NetlinkOptions, "answerMs"> = {}): NftSocket {
  return new NetlinkNft(log, openNetlink(netlinkProtocols.netfilter, { ...options, sendBytesMax }));
}

/** All of a large cluster's Services in one batch. */
const sendBytesMax = 32 * 1024 * 1024;

class NetlinkNft implements NftSocket {
  isUsable = true;
  readonly #log: Log;
  readonly #netlink: Netlink;

  constructor(log: Log, netlink: Netlink) {
    this.#log = log;
    this.#netlink = netlink;
  }

  async commit({ bytes, asked }: EncodedChange): Promise<void> {
    const { errors, acknowledged } = await this.#request(bytes);
    const said = errors.map(({ sequence, code }) => `${asked[sequence] ?? "the change"}: ${code}`);
    if (said.length > 0) throw new NftRefusal(said.slice(0, saidMax).join("; "));
    if (!acknowledged.has(asked.length - 1)) throw new Error("the kernel did not acknowledge a change");
  }

  async hasTable(table: TableName): Promise<boolean> {
    const { errors, others } = await this.#request(encodeTableRequest(table));
    const [error] = errors;
    if (error !== undefined && error.code !== "ENOENT") throw new NftRefusal(error.code);
    return others > 0;
  }

  close(): void {
    this.#netlink.close();
  }

  async #request(bytes: Uint8Array): Promise<Replies> {
    try {
      return parseReplies(await this.#netlink.ask(bytes));
    } catch (error) {
      if (!this.#netlink.hasAnswered && this.isUsable) {
        this.isUsable = false;
        this.#log.warn("cannot speak netlink with the kernel; nft does it for each change", {
          why: describeError(error),
        });
      }
      throw error;
    }
  }
}

/** Of what a refusal says. */
const saidMax = 3;
