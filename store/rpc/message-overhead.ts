/** etcd's room for framing and metadata above the largest request: a message may have so much more. */
export const messageOverheadBytes = 512 * 1024;
