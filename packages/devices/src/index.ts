// @worldswitch/devices: the devices of an Arm board.

export type { CharacterBackend, CharacterSink } from './backend.ts';
export { gpioKeys } from './gpio-keys/gpio-keys.ts';
export type {
  GpioKey,
  GpioKeyPin,
  GpioKeys,
  GpioKeysConfig,
  GpioKeysState,
  GpioKeysType,
} from './gpio-keys/gpio-keys.ts';
export { pl011 } from './pl011/pl011.ts';
export type { ModemInputs, Pl011, Pl011Config, Pl011Type } from './pl011/pl011.ts';
export type { Pl011State } from './pl011/state.ts';
export { pl031 } from './pl031/pl031.ts';
export type { Pl031Config, Pl031State } from './pl031/pl031.ts';
export { pl061 } from './pl061/pl061.ts';
export type { Pl061, Pl061Config, Pl061Input, Pl061State, Pl061Type } from './pl061/pl061.ts';
export { counter } from './timer/counter.ts';
export type { Counter } from './timer/counter.ts';
export { genericTimer, timerInterrupts } from './timer/generic-timer.ts';
export type {
  CpuTimersState,
  GenericTimer,
  GenericTimerConfig,
  GenericTimerState,
  GenericTimerType,
  TimerPin,
} from './timer/generic-timer.ts';
export type { DiskBackend, DiskState } from './disk/disk.ts';
export { memoryDisk, overlay } from './disk/memory.ts';
export { outsideCable } from './net/cable.ts';
export { networkLink } from './net/link.ts';
export type { NetworkLink, NetworkLinkConfig, NetworkLinkState } from './net/link.ts';
export { encodeEvent, noSockets, parseEvent } from './net/outside/sockets.ts';
export type {
  FlowProtocol,
  FlowTarget,
  OutsideEvent,
  OutsideSockets,
  PortForward,
} from './net/outside/sockets.ts';
export { unplugged } from './net/port.ts';
export type { NetworkPeer, NetworkPeerFactory, NetworkPort } from './net/port.ts';
export type { OutsideConfig, UserNetworkConfig } from './net/user/config.ts';
export { userNetwork } from './net/user/user-network.ts';
export { virtioBlk } from './virtio/blk.ts';
export type { VirtioBlkConfig, VirtioBlkState } from './virtio/blk.ts';
export type { PortState } from './virtio/console-control.ts';
export { virtioConsole } from './virtio/console.ts';
export type {
  VirtioConsoleConfig,
  VirtioConsoleExtras,
  VirtioConsolePort,
  VirtioConsoleState,
} from './virtio/console.ts';
export { virtioEmpty } from './virtio/empty.ts';
export type { VirtioEmptyState } from './virtio/empty.ts';
export type { FilterState } from './virtio/net-filter.ts';
export { virtioNet } from './virtio/net.ts';
export type { VirtioNetConfig, VirtioNetExtras, VirtioNetState } from './virtio/net.ts';
export type { QueueState } from './virtio/queue.ts';
export { virtioRng } from './virtio/rng.ts';
export type { VirtioRngConfig, VirtioRngState } from './virtio/rng.ts';
export type { VirtioType } from './virtio/mmio.ts';
export type { VirtioState } from './virtio/transport.ts';
