// Finds functions and names on the pages of the reference.
const filter = document.getElementById('filter');
const sections = [...document.querySelectorAll('.function')];
const headings = [...document.querySelectorAll('article h2')];

function show() {
  const words = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const section of sections) {
    const names = section.dataset.names.toLowerCase();
    const text = words.length > 0 ? section.querySelector('p').textContent.toLowerCase() : '';
    section.hidden = !words.every((word) => names.includes(word) || text.includes(word));
    if (!section.hidden) found += 1;
  }
  for (const heading of headings) {
    let next = heading.nextElementSibling;
    while (next?.classList.contains('function') && next.hidden) next = next.nextElementSibling;
    heading.hidden = !next?.classList.contains('function');
  }
  document.getElementById('found').textContent =
    words.length > 0 ? `${found} of ${sections.length} ${document.querySelector('.name') ? 'names' : 'functions'}` : '';
}

filter.oninput = show;
show();
