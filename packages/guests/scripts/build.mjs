// Builds the guest images from source, reproducibly: node scripts/build.mjs [output folder [image ...]]
// Without a folder it writes images/, which is committed: users have no cross compiler.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const output = path.resolve(process.argv[2] ?? path.join(root, 'images'));
const only = process.argv.slice(3);
const wanted = (name) => only.length === 0 || only.includes(name);
const work = mkdtempSync(path.join(tmpdir(), 'worldswitch-guests-'));

const PREFIX = 'aarch64-linux-gnu-';
const FLAGS = [
  ...['-std=gnu11', '-Os', '-Wall', '-Wextra', '-Werror', '-Wframe-larger-than=1024'],
  ...['-march=armv8-a', '-mstrict-align', '-ffreestanding', '-fno-builtin', '-fno-pic', '-fno-common'],
  ...['-fno-stack-protector', '-fno-asynchronous-unwind-tables', '-fno-unwind-tables'],
  ...[
    '-mbranch-protection=none',
    '-mno-outline-atomics',
    '--param=min-pagesize=0',
    '-fno-delete-null-pointer-checks',
  ],
  ...['-ffunction-sections', '-fdata-sections'],
  `-ffile-prefix-map=${root}=.`,
];
const INTEGER_ONLY = ['-mgeneral-regs-only'];
const LINK = ['-nostdlib', '-static', '-no-pie', '--build-id=none', '-z max-page-size=4096', '--gc-sections'];

/** Images that share the folder `kit`. */
const KIT_IMAGES = ['smp', 'interrupts', 'fuzz', 'el3', 'rtos', 'probe'];

function run(tool, ...args) {
  execFileSync(PREFIX + tool, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
}

function sources(folder) {
  return readdirSync(path.join(root, folder))
    .filter((name) => /\.[cS]$/.test(name))
    .sort()
    .map((name) => path.join(folder, name));
}

/** Compiles to one object in the work folder, and returns its path. */
function compile(source, flags) {
  const object = path.join(work, `${source.replaceAll('/', '_')}.o`);
  run('gcc', ...FLAGS, ...flags, `-Wa,-I${work}`, '-c', source, '-o', object);
  return object;
}

function link(script, objects, elf) {
  run('ld', ...LINK.flatMap((flag) => flag.split(' ')), '-T', script, ...objects, '-o', elf);
}

function buildTiny() {
  const include = ['-Itiny/include'];
  const compileAll = (list, flags = INTEGER_ONLY) =>
    list.map((source) => compile(source, [...include, ...flags]));
  const library = compileAll(sources('tiny/lib'));
  const runtime = compileAll(
    ['start.S', 'syscalls.S', 'print.c', 'run.c'].map((name) => `tiny/user/${name}`),
  );
  const program = (name, list) => {
    const elf = path.join(work, `${name}.elf`);
    link('tiny/user/user.ld', [...runtime, ...library, ...list], elf);
    run('strip', '--strip-all', elf);
  };
  for (const name of ['init', 'sh', 'bench', 'tools', 'execloop']) {
    program(name, compileAll([`tiny/user/${name}.c`]));
  }
  const selftest = sources('tiny/user/selftest');
  program(
    'selftest',
    selftest.flatMap((source) => compileAll([source], source.endsWith('/fp.c') ? [] : INTEGER_ONLY)),
  );

  const elf = path.join(output, 'tiny.elf');
  link(
    'tiny/kernel/kernel.ld',
    [...compileAll(sources('tiny/kernel'), [...INTEGER_ONLY, '-Wa,-Itiny/user']), ...library],
    elf,
  );
  run('objcopy', '-O', 'binary', elf, path.join(output, 'tiny.img'));
  chmodSync(elf, 0o644);
  chmodSync(path.join(output, 'tiny.img'), 0o644);
}

function buildArch() {
  const include = ['-Iarch', '-Itiny/include'];
  const objects = [...sources('arch'), ...sources('tiny/lib')].map((source) =>
    compile(source, [...include, ...INTEGER_ONLY]),
  );
  const elf = path.join(output, 'arch.elf');
  link('arch/arch.ld', objects, elf);
  run('objcopy', '-O', 'binary', elf, path.join(output, 'arch.img'));
  chmodSync(elf, 0o644);
  chmodSync(path.join(output, 'arch.img'), 0o644);
}

/** An image of the kit: the kit's files, its own folder's, and the small library. */
function buildWithKit(name) {
  const include = ['-Ikit', `-I${name}`, '-Itiny/include'];
  const objects = [...sources('kit'), ...sources(name), ...sources('tiny/lib')].map((source) =>
    compile(source, [...include, ...INTEGER_ONLY, ...(name === 'fuzz' ? ['-O2'] : [])]),
  );
  finishKitImage(name, objects);
}

function finishKitImage(name, objects) {
  const elf = path.join(output, `${name}.elf`);
  link('kit/kit.ld', objects, elf);
  run('strip', '--strip-debug', elf);
  run('objcopy', '-O', 'binary', elf, path.join(output, `${name}.img`));
  chmodSync(elf, 0o644);
  chmodSync(path.join(output, `${name}.img`), 0o644);
}

/** What the kernels of `bench` are compiled with: as programs are, without what would change sums of floating-point numbers. */
const KERNEL = [
  ...['-O2', '-fno-tree-vectorize', '-ffp-contract=off', '-fno-math-errno'],
  ...['-fno-tree-loop-distribute-patterns', '-Wno-frame-larger-than'],
];
const KERNELS_OWN = {
  'bench/simd.c': ['-O3', '-ffp-contract=off', '-fno-tree-loop-distribute-patterns'],
  'bench/crypto.c': [...KERNEL, '-march=armv8-a+crypto'],
};

/** The benchmarks: the kit without floating point, the kernels with what each needs. */
function buildBench() {
  const include = ['-Ikit', '-Ibench', '-Itiny/include'];
  const objects = [
    ...[...sources('kit'), ...sources('tiny/lib')].map((source) =>
      compile(source, [...include, ...INTEGER_ONLY]),
    ),
    ...sources('bench').map((source) => compile(source, [...include, ...(KERNELS_OWN[source] ?? KERNEL)])),
  ];
  finishKitImage('bench', objects);
}

/** The nanobenchmarks: tiny's entry and first tables, and a kernel of their own. */
function buildNano() {
  const include = ['-Inano', '-Itiny/include', '-Itiny/kernel'];
  const objects = ['tiny/kernel/head.S', 'tiny/kernel/early.c', ...sources('nano')].map((source) =>
    compile(source, [...include, ...INTEGER_ONLY]),
  );
  const elf = path.join(output, 'nano.elf');
  link('tiny/kernel/kernel.ld', objects, elf);
  run('strip', '--strip-debug', elf);
  run('objcopy', '-O', 'binary', elf, path.join(output, 'nano.img'));
  chmodSync(elf, 0o644);
  chmodSync(path.join(output, 'nano.img'), 0o644);
}

mkdirSync(output, { recursive: true });
try {
  if (wanted('tiny')) buildTiny();
  if (wanted('arch')) buildArch();
  if (wanted('bench')) buildBench();
  if (wanted('nano')) buildNano();
  for (const name of KIT_IMAGES) if (wanted(name)) buildWithKit(name);
} finally {
  rmSync(work, { recursive: true, force: true });
}
