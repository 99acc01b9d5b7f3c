// The datasets that executors keep.
import { cell } from './elements.js';
import { count, size } from './units.js';

/** Shows the kept datasets of a status; hides the card where the engine does not report them. */
export function showStorage(card, table, datasets) {
  card.hidden = datasets === undefined;
  const body = document.createElement('tbody');
  for (const { id, name, partitions, kept, bytes } of datasets ?? []) {
    const row = body.insertRow();
    cell(row, String(id), 'number');
    cell(row, name);
    cell(row, `${count(kept)} of ${count(partitions)}`, 'number');
    cell(row, size(bytes), 'number');
  }
  table.tBodies[0].replaceWith(body);
}
