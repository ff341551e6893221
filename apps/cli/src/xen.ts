// Xen's guests in /chosen (Xen docs/misc/arm/device-tree/booting.txt): Linux as the first domain, dom0, or beside none of it as a
// domain of its own, "dom0less".

import type {
  BootImages,
  BootModule,
  ChosenAdditions,
  LoadedKernel,
  ModulePlace,
} from '@worldswitch/machine';
import type { TreeNode } from '@worldswitch/platform';

/** How Xen starts its guest. */
export type XenMode = 'dom0' | 'dom0less';

/** What Xen boots. */
export interface XenGuest {
  readonly mode: XenMode;
  /** Xen itself. */
  readonly xen: LoadedKernel;
  /** Xen's command line. */
  readonly xenAppend: string;
  /** The guest's kernel, an arm64 Image. */
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array | undefined;
  /** The guest's command line. */
  readonly append: string;
  /** The guest's memory in MiB; dom0's is on Xen's command line. */
  readonly memory: number;
  /** The guest's virtual CPUs. */
  readonly cpus: number;
}

const MIB_IN_KIB = 1024;

function moduleNode(kind: 'kernel' | 'ramdisk', { start, size }: ModulePlace, append?: string): TreeNode {
  return {
    name: `module@${start.toString(16)}`,
    properties: {
      compatible: [`multiboot,${kind}`, 'multiboot,module'],
      reg: [{ u64: start }, { u64: size }],
      ...(append !== undefined && { bootargs: append }),
    },
  };
}

const CELLS = { '#address-cells': [2], '#size-cells': [2] };

/** What the loader is to put into memory and into /chosen. */
export function xenImages(guest: XenGuest): BootImages {
  const modules: BootModule[] = [{ name: 'guest kernel', bytes: guest.kernel }];
  if (guest.initrd) modules.push({ name: 'guest initrd', bytes: guest.initrd });
  const chosen = (place: (module: string) => ModulePlace): ChosenAdditions => {
    const nodes = [
      moduleNode('kernel', place('guest kernel'), guest.append),
      ...(guest.initrd ? [moduleNode('ramdisk', place('guest initrd'))] : []),
    ];
    const properties = { 'xen,xen-bootargs': guest.xenAppend, ...CELLS };
    if (guest.mode === 'dom0') return { properties, children: nodes };
    const domain: TreeNode = {
      name: 'domU1',
      properties: {
        compatible: 'xen,domain',
        ...CELLS,
        memory: [{ u64: guest.memory * MIB_IN_KIB }],
        cpus: [guest.cpus],
        vpl011: true,
      },
      children: nodes,
    };
    return { properties, children: [domain] };
  };
  return { kernel: guest.xen, name: 'Xen', modules, chosen };
}
