// A guard around the host's time and chance: while it stands, reaching for them is an error that names what was reached for.

/** What a device must not reach: where it lives and how it is called. */
const forbidden: readonly (readonly [holder: string, name: string])[] = [
  ['Date', 'now'],
  ['Math', 'random'],
  ['performance', 'now'],
  ['crypto', 'getRandomValues'],
  ['crypto', 'randomUUID'],
];

/** Scheduling on the host, and the clock behind `new Date()`. */
const forbiddenGlobals: readonly string[] = [
  'Date',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
];

/** Runs `body` with the host's time and chance out of reach. They are put back however it ends. */
export function withoutHost<T>(body: () => T): T {
  const world = globalThis as unknown as Record<string, unknown>;
  const undo: (() => void)[] = [];
  let reached: string | undefined;
  const replace = (holder: Record<string, unknown>, key: string, name: string): void => {
    const old = Object.getOwnPropertyDescriptor(holder, key);
    if (old !== undefined && old.configurable !== true && old.writable !== true) return;
    const stub = function (): never {
      reached ??= name;
      throw new Error(`the host's ${name} is out of a device's reach`);
    };
    // Statics stay reachable, so that `Date.now` is reported as itself.
    if (typeof old?.value === 'function') Object.setPrototypeOf(stub, old.value as object);
    const { configurable = true, enumerable = false } = old ?? {};
    Object.defineProperty(holder, key, { configurable, enumerable, writable: true, value: stub });
    undo.push(() => {
      if (old === undefined) Reflect.deleteProperty(holder, key);
      else Object.defineProperty(holder, key, old);
    });
  };
  try {
    for (const [holder, key] of forbidden) {
      const at = world[holder];
      if ((typeof at === 'object' || typeof at === 'function') && at !== null) {
        replace(at as Record<string, unknown>, key, `${holder}.${key}`);
      }
    }
    for (const key of forbiddenGlobals) if (typeof world[key] === 'function') replace(world, key, key);
    const result = body();
    // A device may have caught the stub's error.
    if (reached !== undefined) throw new Error(`the host's ${reached} is out of a device's reach`);
    return result;
  } finally {
    for (const restore of undo.reverse()) restore();
  }
}
