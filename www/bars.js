// The ranking as bars that slide to their new places.
import { TrendingStore } from './trending.js';

const ROW_PX = 34;

/** A bar chart of one window's hashtags. */
export class Bars {
  constructor(root, shown = 12) {
    this.root = root;
    this.shown = shown;
    this.rows = new Map();
    root.style.height = `${shown * ROW_PX}px`;
  }

  /** Shows the ranking of a window; null clears. */
  show(entry) {
    const ranking = entry ? TrendingStore.ranking(entry, this.shown) : [];
    const largest = ranking[0]?.count ?? 1;
    const seen = new Set();
    ranking.forEach((tag, rank) => {
      seen.add(tag.hashtag);
      const row = this.rows.get(tag.hashtag) ?? this.#create(tag.hashtag, rank);
      row.style.transform = `translateY(${rank * ROW_PX}px)`;
      row.style.opacity = '1';
      const [position, , track, count, score] = row.children;
      position.textContent = rank + 1;
      track.firstChild.style.transform = `scaleX(${tag.count / largest})`;
      track.firstChild.style.setProperty('--mood', tag.score === null ? 0.5 : tag.score);
      count.textContent = tag.count.toLocaleString();
      score.textContent = tag.score === null ? '' : tag.score.toFixed(2);
      row.title = tag.score === null ? tag.hashtag : `${tag.hashtag}: mean score ${tag.score.toFixed(3)}`;
    });
    for (const [hashtag, row] of this.rows) {
      if (seen.has(hashtag)) continue;
      row.style.opacity = '0';
      row.style.transform = `translateY(${this.shown * ROW_PX}px)`;
      this.rows.delete(hashtag);
      setTimeout(() => row.remove(), 400);
    }
    this.root.classList.toggle('is-empty', ranking.length === 0);
  }

  #create(hashtag, rank) {
    const row = document.createElement('div');
    row.className = 'bar';
    row.style.transform = `translateY(${rank * ROW_PX}px)`;
    row.innerHTML =
      '<span class="bar-rank"></span><span class="bar-name"></span><span class="bar-track"><i></i></span><span class="bar-count"></span><span class="bar-score"></span>';
    row.children[1].textContent = hashtag;
    this.root.append(row);
    this.rows.set(hashtag, row);
    return row;
  }
}
