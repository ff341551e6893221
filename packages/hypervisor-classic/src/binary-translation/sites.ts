// Adaptive retranslation (Adams and Agesen, ASPLOS 2006, section 3.4): a load or store that faults again and again is called out instead,
// and is itself again when that does not pay. Whether it does is seen from where it goes: to a device, to a table that is traced, or to a
// page that it was not at just before.

import { list, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

/** Sites that are watched, by their address in the cache. */
const SITES = 64;
/** A site is called out when so many exits of so many are its own. */
const [FAULTS, OF_EXITS] = [32, 192];
/** It is looked at after so many calls: that many of them must have been worth it. */
const [CALLS, WORTH] = [32, 24];
/** After so many it is tried without: it faults again if it still has to be called out. */
const TRIAL = 2048;

interface Site {
  /** Number of the word in the cache; -1 for none. */
  word: number;
  /** Faults since `since`, or calls, where it is called out. */
  count: number;
  /** The exit that counting began at. */
  since: number;
  called: boolean;
  worth: number;
  /** The page of its last access, and what maintenance there was until then. */
  page: number;
  epoch: number;
}

/** What is saved: numbers of each site, and exits and TLB maintenance so far. */
export type SitesState = readonly (readonly number[])[];

const PER_SITE = 7;
const number = uint(2 ** 53 - 1);
/** Numbers of pages may be negative. */
const BIAS = 2 ** 52;

/** How it is checked. */
export const sitesShape: Shape<SitesState> = list(list(number, 2, PER_SITE), 1, SITES + 1);

const none = (): Site => ({ word: -1, count: 0, since: 0, called: false, worth: 0, page: 0, epoch: 0 });

/** The sites of one cache. */
export class Sites {
  private readonly sites: Site[];
  private exits = 0;
  private epoch = 0;

  constructor(state: SitesState = []) {
    const [counts = [], ...sites] = state;
    this.exits = counts[0] ?? 0;
    this.epoch = counts[1] ?? 0;
    this.sites = Array.from({ length: SITES }, (_, i) => {
      const [word = 0, count = 0, since = 0, called = 0, worth = 0, page = 0, epoch = 0] = sites[i] ?? [];
      if (sites[i] === undefined) return none();
      return { word: word - 1, count, since, called: called !== 0, worth, page: page - BIAS, epoch };
    });
  }

  /** As plain data. */
  save(): SitesState {
    return [
      [this.exits, this.epoch],
      ...this.sites.map(({ word, count, since, called, worth, page, epoch }) => [
        word + 1,
        count,
        since,
        Number(called),
        worth,
        page + BIAS,
        epoch,
      ]),
    ];
  }

  /** Nothing of the cache is left. */
  clear(): void {
    this.sites.forEach((site) => Object.assign(site, none()));
  }

  /** An exit, of whatever kind. */
  exited(): void {
    this.exits++;
  }

  /** The guest has invalidated translations. */
  maintained(): void {
    this.epoch++;
  }

  private at(word: number): Site {
    const site = this.sites[word % SITES];
    if (site === undefined) throw new RangeError('words have numbers');
    if (site.word === word) return site;
    return Object.assign(site, none(), { word, since: this.exits });
  }

  /** The plain access at a word of the cache has faulted, for nothing of the guest's own. True where it is to be called out. */
  faulted(word: number): boolean {
    const site = this.at(word);
    if (this.exits - site.since > OF_EXITS) {
      site.count = 0;
      site.since = this.exits;
    }
    if (++site.count < FAULTS) return false;
    Object.assign(site, none(), { word, since: this.exits, called: true });
    return true;
  }

  /**
   * A site was called out.
   *
   * @param page - number of the page that it accessed
   * @param worth - it would have exited anyway
   * @returns true where it is to be itself again
   */
  called(word: number, page: number, worth: boolean): boolean {
    const site = this.at(word);
    site.called = true;
    if (worth || site.page !== page || site.epoch !== this.epoch) site.worth++;
    site.page = page;
    site.epoch = this.epoch;
    if (++site.count % CALLS !== 0) return false;
    const paid = site.worth >= WORTH && site.count < TRIAL;
    site.worth = 0;
    if (!paid) Object.assign(site, none());
    return !paid;
  }
}
