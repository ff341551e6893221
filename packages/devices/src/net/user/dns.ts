// A name server with answers of its own (RFC 1035): addresses of the names that it knows, and their reverse.

import { addressBytes, addressText, joined, put16, put32, u16 } from './bytes.ts';
import type { UserNetwork } from './config.ts';
import { encodeName, parseName } from './name.ts';

const Type = { A: 1, Ptr: 12, Any: 255 } as const;
const CLASS_IN = 1;
const Code = { Ok: 0, Malformed: 1, NoSuchName: 3, NotImplemented: 4 } as const;
const HEADER = 12;
const SECONDS = 3600;

/** A question: its name in lower case, its type, and where it ends. */
interface Question {
  readonly name: string;
  readonly type: number;
  readonly inClass: number;
  readonly end: number;
}

/** The question of a query; undefined where it is malformed. A query has no use for compressed names. */
function parseQuestion(query: Uint8Array): Question | undefined {
  const found = parseName(query, HEADER);
  if (found === undefined || found.end + 4 > query.length) return undefined;
  const { name, end } = found;
  return { name, type: u16(query, end), inClass: u16(query, end + 2), end: end + 4 };
}

/** A record whose name is that of the question. */
function answer(type: number, data: Uint8Array | readonly number[]): Uint8Array {
  const head = new Uint8Array(12);
  put16(head, 0, 0xc000 | HEADER);
  put16(head, 2, type);
  put16(head, 4, CLASS_IN);
  put32(head, 6, SECONDS);
  put16(head, 10, data.length);
  return joined(head, data);
}

/** The reply to a query; undefined for what is none. */
export function dnsReply(net: UserNetwork, query: Uint8Array): Uint8Array | undefined {
  const flags = u16(query, 2);
  if (query.length < HEADER || (flags & 0x8000) !== 0) return undefined;
  const reply = (code: number, question: Uint8Array, answers: readonly Uint8Array[]): Uint8Array => {
    const head = new Uint8Array(HEADER);
    put16(head, 0, u16(query, 0));
    // A response, authoritative, recursion available; opcode and "recursion desired" are the query's.
    put16(head, 2, 0x8480 | (flags & 0x7900) | code);
    put16(head, 4, question.length === 0 ? 0 : 1);
    put16(head, 6, answers.length);
    return joined(head, question, ...answers);
  };
  const none = new Uint8Array(0);
  if ((flags & 0x7800) !== 0) return reply(Code.NotImplemented, none, []);
  const question = u16(query, 4) === 1 ? parseQuestion(query) : undefined;
  if (question === undefined) return reply(Code.Malformed, none, []);
  const { code, answers } = lookUp(net, question);
  return reply(code, query.subarray(HEADER, question.end), answers);
}

/** True for a right question about a name that is not known here. */
export function isUnknownName(net: UserNetwork, query: Uint8Array): boolean {
  if (query.length < HEADER || (u16(query, 2) & 0xf800) !== 0 || u16(query, 4) !== 1) return false;
  const question = parseQuestion(query);
  return question !== undefined && lookUp(net, question).code === Code.NoSuchName;
}

function lookUp(
  { names }: UserNetwork,
  { name, type, inClass }: Question,
): { readonly code: number; readonly answers: readonly Uint8Array[] } {
  const wants = (wanted: number): boolean => inClass === CLASS_IN && (type === wanted || type === Type.Any);
  const address = names.get(name);
  if (address !== undefined)
    return { code: Code.Ok, answers: wants(Type.A) ? [answer(Type.A, addressBytes(address))] : [] };
  const reverse = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name);
  if (reverse !== null) {
    const text = reverse.slice(1).reverse().join('.');
    const found = [...names].find(([, to]) => addressText(to) === text);
    if (found !== undefined)
      return { code: Code.Ok, answers: wants(Type.Ptr) ? [answer(Type.Ptr, encodeName(found[0]))] : [] };
  }
  return { code: Code.NoSuchName, answers: [] };
}
