// @worldswitch/devices/node: back ends that need Node.

export { fileDisk } from './file-disk.ts';
export type { FileDisk } from './file-disk.ts';
export { hostSockets } from './host-sockets.ts';
export type { HostSockets, HostSocketsConfig } from './host-sockets.ts';
export { frameSocket } from './frame-socket.ts';
export type { FrameSocket, FrameSocketConfig } from './frame-socket.ts';
