// Push buttons on pins of a GPIO controller, as Linux's binding `gpio-keys` names them: a press is a pulse on the key's wire.

import { deadline, list, record, Reset, savedDeadline, StateError, stateCodec } from '@worldswitch/platform';
import type { Device, DeviceType, Placement, TreeNode, Wiring } from '@worldswitch/platform';

import type { CharacterSink } from '../backend.ts';

/** One button. */
export interface GpioKey {
  /** What is written on it. */
  readonly label: string;
  /** What Linux makes of it: a number of `input-event-codes.h`. 116 is `KEY_POWER`. */
  readonly code: number;
}

/** The buttons' configuration. */
export interface GpioKeysConfig {
  /** One to eight. The first is on the wire `key0`. */
  readonly keys: readonly GpioKey[];
}

const indices = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** A button's wire. */
export type GpioKeyPin = `key${(typeof indices)[number]}`;

/** The buttons' saved state: when each that is down goes up. */
export type GpioKeysState = Readonly<{ up: readonly (number | null)[] }>;

/** The buttons. A byte that they receive is the number of a button that is pressed. */
export interface GpioKeys extends Device<GpioKeysState>, CharacterSink {
  /** Presses a button: its wire is high for a tenth of a second, or that much longer where it is already. */
  press(key: number): void;
  /** The number of the button with this code, or -1. */
  find(code: number): number;
}

/** The buttons' type. */
export interface GpioKeysType extends DeviceType<GpioKeysConfig, GpioKeysState, GpioKeyPin> {
  create(config: GpioKeysConfig, wiring: Wiring<GpioKeyPin>, state?: GpioKeysState): GpioKeys;
}

/** How long a finger stays on a button: long enough for whoever waits until it no longer bounces. */
const HOLD = 100_000_000;

/** Push buttons. They have no registers. */
export const gpioKeys: GpioKeysType = {
  compatible: 'gpio-keys',
  regions: [],
  pins: indices.map((i): GpioKeyPin => `key${i}`),
  state: stateCodec(1, record<GpioKeysState>({ up: list(deadline, 1, 8) })),
  create,
  treeNode,
};

function check({ keys }: GpioKeysConfig): void {
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > 8)
    throw new RangeError('gpio-keys: keys must be a list of 1 to 8');
  const labels = new Set<string>();
  keys.forEach((key: Partial<GpioKey> | null, i) => {
    const { label, code } = key ?? {};
    if (typeof label !== 'string' || !/^[\w ,.+-]{1,31}$/.test(label) || labels.has(label))
      throw new RangeError(`gpio-keys: keys[${i}].label must be a short text of its own`);
    labels.add(label);
    if (typeof code !== 'number' || !Number.isInteger(code) || code < 1 || code > 0x2ff)
      throw new RangeError(`gpio-keys: keys[${i}].code must be 1 to 767`);
  });
}

function create(config: GpioKeysConfig, wiring: Wiring<GpioKeyPin>, state?: GpioKeysState): GpioKeys {
  check(config);
  const { keys } = config;
  if (state !== undefined && state.up.length !== keys.length)
    throw new StateError('up', `must have ${keys.length} elements here, but has ${state.up.length}`);
  const buttons = indices.slice(0, keys.length).map((i) => {
    const wire = wiring.line(`key${i}`);
    const up = wiring.clock.timer(() => {
      wire.set(false);
    });
    return { wire, up };
  });
  state?.up.forEach((when, i) => {
    const button = buttons[i];
    button?.wire.set(when !== null);
    if (when !== null) button?.up.armAt(when);
  });
  const press = (key: number): void => {
    const button = buttons[key];
    if (button === undefined) return;
    button.up.armAt(wiring.clock.now + HOLD);
    button.wire.set(true);
  };
  return {
    mmio: [],
    press,
    find: (code) => keys.findIndex((key) => key.code === code),
    canReceive: () => Number.MAX_SAFE_INTEGER,
    receive(bytes) {
      for (const key of bytes) press(key);
      return bytes.length;
    },
    reset(phase) {
      if (phase === Reset.Enter) for (const { up } of buttons) up.cancel();
      if (phase === Reset.Hold) for (const { wire } of buttons) wire.set(false);
    },
    save: () => ({ up: buttons.map(({ up }) => savedDeadline(up.deadline)) }),
  };
}

/** The node as Linux's binding has it, `gpio-keys.yaml`: a button of each key whose wire is connected. */
function treeNode({ keys }: GpioKeysConfig, at: Placement<GpioKeyPin>): TreeNode {
  const children = indices.slice(0, keys.length).flatMap((i): readonly TreeNode[] => {
    const [key, to] = [keys[i], at.connection?.(`key${i}`)];
    if (key === undefined || to === undefined) return [];
    const properties = {
      gpios: [{ ref: to.label }, Number(to.input), 0],
      'linux,code': [key.code],
      label: key.label,
    };
    return [{ name: `key-${i}`, properties }];
  });
  return { name: 'gpio-keys', properties: { compatible: 'gpio-keys' }, children };
}
