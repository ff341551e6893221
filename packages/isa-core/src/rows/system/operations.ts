// The names of system instructions: IC, DC, AT, TLBI and the prediction restrictions are SYS by other names (DDI 0487 C5.4). Those
// that the CPU has not are UNDEFINED when executed, and keep their names in text.

import type { AsmForm } from '../../table/row.ts';

/** Mnemonic, op1 and CRn, then names with CRm and op2; a comma follows those that take a register. */
const NAMES = `
at 0 7: s1e1r,=8.0 s1e1w,=8.1 s1e0r,=8.2 s1e0w,=8.3 s1e1rp,=9.0 s1e1wp,=9.1
dc 0 7: isw,=6.2 igvac,=6.3 igsw,=6.4 igdvac,=6.5 igdsw,=6.6 csw,=10.2 cgsw,=10.4 cgdsw,=10.6 cisw,=14.2 cigsw,=14.4
  cigdsw,=14.6
ic 0 7: ialluis=1.0 iallu=5.0
tlbi 0 8: vmalle1os=1.0 vae1os,=1.1 aside1os,=1.2 vaae1os,=1.3 vale1os,=1.5 vaale1os,=1.7 rvae1is,=2.1 rvaae1is,=2.3
  rvale1is,=2.5 rvaale1is,=2.7 vmalle1is=3.0 vae1is,=3.1 aside1is,=3.2 vaae1is,=3.3 vale1is,=3.5 vaale1is,=3.7
  rvae1os,=5.1 rvaae1os,=5.3 rvale1os,=5.5 rvaale1os,=5.7 rvae1,=6.1 rvaae1,=6.3 rvale1,=6.5 rvaale1,=6.7
  vmalle1=7.0 vae1,=7.1 aside1,=7.2 vaae1,=7.3 vale1,=7.5 vaale1,=7.7
cfp 3 7: rctx,=3.4
cpp 3 7: rctx,=3.7
dc 3 7: gva,=4.3 gzva,=4.4 cgvac,=10.3 cgdvac,=10.5 cvap,=12.1 cgvap,=12.3 cgdvap,=12.5 cvadp,=13.1 cgvadp,=13.3
  cgdvadp,=13.5 cigvac,=14.3 cigdvac,=14.5
dvp 3 7: rctx,=3.5
at 4 7: s1e2r,=8.0 s1e2w,=8.1 s12e1r,=8.4 s12e1w,=8.5 s12e0r,=8.6 s12e0w,=8.7
tlbi 4 8: ipas2e1is,=0.1 ripas2e1is,=0.2 ipas2le1is,=0.5 ripas2le1is,=0.6 alle2os=1.0 vae2os,=1.1 alle1os=1.4
  vale2os,=1.5 vmalls12e1os=1.6 rvae2is,=2.1 rvale2is,=2.5 alle2is=3.0 vae2is,=3.1 alle1is=3.4 vale2is,=3.5
  vmalls12e1is=3.6 ipas2e1os,=4.0 ipas2e1,=4.1 ripas2e1,=4.2 ripas2e1os,=4.3 ipas2le1os,=4.4 ipas2le1,=4.5
  ripas2le1,=4.6 ripas2le1os,=4.7 rvae2os,=5.1 rvale2os,=5.5 rvae2,=6.1 rvale2,=6.5 alle2=7.0 vae2,=7.1 alle1=7.4
  vale2,=7.5 vmalls12e1=7.6
at 6 7: s1e3r,=8.0 s1e3w,=8.1
dc 6 7: cipapa,=14.1 cigdpapa,=14.5
tlbi 6 8: alle3os=1.0 vae3os,=1.1 paallos=1.4 vale3os,=1.5 rvae3is,=2.1 rvale3is,=2.5 alle3is=3.0 vae3is,=3.1
  vale3is,=3.5 rpaos,=4.3 rpalos,=4.7 rvae3os,=5.1 rvale3os,=5.5 rvae3,=6.1 rvale3,=6.5 alle3=7.0 vae3,=7.1
  paall=7.4 vale3,=7.5
`;

interface Operation {
  readonly text: string;
  readonly register: boolean;
  readonly set: { readonly op1: number; readonly CRn: number; readonly CRm: number; readonly op2: number };
}

const operations = (): Operation[] => {
  const found: Operation[] = [];
  let group: readonly [string, number, number] = ['', 0, 0];
  for (const token of NAMES.trim().split(/\s+(?=[a-z]+ \d \d+:)|\s+(?=\S+=)/)) {
    const header = /^([a-z]+) (\d) (\d+):$/.exec(token);
    const entry = /^(\w+)(,?)=(\d+)\.(\d)$/.exec(token);
    if (header) group = [header[1] ?? '', Number(header[2]), Number(header[3])];
    else if (entry) {
      const [mnemonic, op1, CRn] = group;
      const [, name = '', comma, CRm, op2] = entry;
      const set = { op1, CRn, CRm: Number(CRm), op2: Number(op2) };
      found.push({ text: `${mnemonic} ${name}`, register: comma === ',', set });
    } else throw new RangeError(`system instructions: "${token}"`);
  }
  return found;
};

/** Their forms. One without a register is assembled with Rt all ones, and printed whatever Rt is. */
export const operationForms: readonly AsmForm[] = operations().flatMap(
  ({ text, register, set }): AsmForm[] =>
    register
      ? [{ text: `${text}, <Xt>`, set }]
      : [
          { text, set: { ...set, Rt: 31 } },
          { text, set },
        ],
);
