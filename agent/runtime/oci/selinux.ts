import { existsSync } from "node:fs";

/** Whether the kernel labels processes and files: then a container without the label that it asks for would be less confined than
 *  its pod says. */
export const hostHasSeLinux = (): boolean => existsSync("/sys/fs/selinux/enforce");
