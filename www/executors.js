// The executors, and a button to kill each of them.
const megabytes = (bytes) => `${(bytes / 1_048_576).toFixed(0)} MB`;

/** Cards of the executors of a session. */
export class Executors {
  constructor(root, kill) {
    this.root = root;
    this.kill = kill;
    this.heap = {};
    this.cards = new Map();
  }

  /** Shows the executors of a status. */
  show(executors) {
    const seen = new Set();
    for (const executor of executors.toSorted((a, b) => a.id - b.id)) {
      seen.add(executor.id);
      const card = this.cards.get(executor.id) ?? this.#create(executor.id);
      card.style.order = executor.id;
      card.classList.toggle('is-busy', executor.runningTasks > 0);
      card.classList.toggle('is-lost', !/alive|active|idle|busy|running|ready|live/i.test(executor.state));
      card.querySelector('.executor-name').textContent = `Executor ${executor.id}`;
      card.querySelector('.executor-life').textContent = executor.incarnation > 0 ? `incarnation ${executor.incarnation + 1}` : '';
      const failed = executor.failedTasks ? `, ${executor.failedTasks} failed` : '';
      card.querySelector('.executor-tasks').textContent = `${executor.completedTasks.toLocaleString()} tasks${failed}`;
      card.querySelector('.executor-heap').textContent = this.heap[`executor ${executor.id}`]
        ? megabytes(this.heap[`executor ${executor.id}`])
        : '';
    }
    for (const [id, card] of this.cards) {
      if (seen.has(id)) continue;
      card.remove();
      this.cards.delete(id);
    }
  }

  clear() {
    this.show([]);
  }

  #create(id) {
    const card = document.createElement('div');
    card.className = 'executor';
    card.innerHTML = `<span class="dot"></span><span class="executor-name"></span><span class="executor-life"></span>
      <span class="executor-tasks"></span><span class="executor-heap"></span>
      <button type="button" class="kill" title="Ends this worker as a crash would; its work is done again elsewhere">Kill</button>`;
    card.querySelector('.kill').onclick = () => this.kill(id);
    this.root.append(card);
    this.cards.set(id, card);
    return card;
  }
}
