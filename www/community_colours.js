/** Communities are found anew in each window, under other labels. The one that has most members in common with an earlier one has its colour. */
export class CommunityColours {
  /** By account: the colour of its community in the last window. */
  #last = new Map();

  /** `colours` is how many there are: the largest communities have them, and none with fewer than `least` members. */
  constructor(colours, least = 3) {
    this.colours = colours;
    this.least = least;
  }

  /** Returns, by label, the number of the colour. `members` are the accounts by label. */
  assign(members) {
    const large = [...members]
      .filter(([, all]) => all.length >= this.least)
      .sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))
      .slice(0, this.colours);
    const kinships = [];
    for (const [label, all] of large) {
      const shared = new Map();
      for (const name of all) {
        const colour = this.#last.get(name);
        if (colour !== undefined) shared.set(colour, (shared.get(colour) ?? 0) + 1);
      }
      for (const [colour, count] of shared) kinships.push({ label, colour, count });
    }
    const found = new Map();
    const taken = new Set();
    const take = (label, colour) => {
      found.set(label, colour);
      taken.add(colour);
    };
    // Those with most in common choose first.
    for (const { label, colour } of kinships.sort((a, b) => b.count - a.count || a.colour - b.colour))
      if (!found.has(label) && !taken.has(colour)) take(label, colour);
    const free = Array.from({ length: this.colours }, (_, n) => n).filter((n) => !taken.has(n));
    for (const [label] of large) if (!found.has(label)) take(label, free.shift());
    this.#last = new Map(large.flatMap(([label, all]) => all.map((name) => [name, found.get(label)])));
    return found;
  }
}
