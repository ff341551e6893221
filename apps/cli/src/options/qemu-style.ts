// What QEMU users type: long options with one dash.

const LONG = [
  'append',
  'console',
  'cpu',
  'device',
  'display',
  'drive',
  'dtb',
  'initrd',
  'kernel',
  'machine',
  'net',
  'netdev',
  'nic',
  'no-reboot',
  'nographic',
  'rtc',
  'seed',
  'serial',
  'smp',
];

const singleDash = new Map(LONG.map((name) => [`-${name}`, `--${name}`]));

/** The arguments with two dashes where QEMU takes one; `-m`, `-M` and what follows `--` stay. */
export function withTwoDashes(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  return args.map((arg, i) => (end >= 0 && i > end ? arg : (singleDash.get(arg) ?? arg)));
}
