/** The client for any etcd v3, Pintle's own store among them.
 *
 *  @packageDocumentation */
export {
  type ConnectOptions,
  connect,
  type EtcdClient,
  type Member,
  type MemberStatus,
} from "../store/client/connect.ts";
export type { ClientTls } from "../store/client/grpc/dial.ts";
export type { Login } from "../store/client/login-transport.ts";
export type { Rights, Roles, Users } from "../store/client/users.ts";
export * from "./keyspace.ts";
