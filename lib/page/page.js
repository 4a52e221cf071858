// The page's theme and tables: sorting, filtering, saving as CSV. Charts are read and zoomed by charts.js.
'use strict';
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byId = id => document.getElementById(id);

  // The theme is the system's until the button is pressed.
  byId('theme').onclick = () => {
    const classes = document.documentElement.classList;
    const systemIsDark = matchMedia('(prefers-color-scheme: dark)').matches;
    const isDark = classes.contains('dark') || (systemIsDark && !classes.contains('light'));
    document.documentElement.className = isDark ? 'light' : 'dark';
  };

  // A cell's exact number is in data-v where its text is rounded.
  const textOf = cell => cell.dataset.v !== undefined ? cell.dataset.v : cell.textContent;
  const isNumber = cell => cell.dataset.v !== undefined || cell.classList.contains('r');
  const valueOf = cell => textOf(cell) === '' || isNaN(textOf(cell)) ? NaN : +textOf(cell);

  // Sorting. Cells without a number come last in either direction.
  const compare = (x, y, up) => {
    if (isNumber(x) || isNumber(y)) {
      const [a, b] = [valueOf(x), valueOf(y)];
      if (isNaN(a)) return isNaN(b) ? 0 : 1;
      if (isNaN(b)) return -1;
      return up ? a - b : b - a;
    }
    const order = x.textContent.localeCompare(y.textContent, 'en', {numeric: true});
    return up ? order : -order;
  };
  all('table').forEach(table => {
    const heads = all('thead th', table), body = table.tBodies[0];
    heads.forEach((head, i) => {
      head.firstElementChild.onclick = () => {
        const up = head.getAttribute('aria-sort') !== 'ascending';
        heads.forEach(other => other.setAttribute('aria-sort', 'none'));
        head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
        body.append(...[...body.rows].sort((x, y) => compare(x.cells[i], y.cells[i], up)));
      };
    });
  });

  // Filtering: words that must all occur, and conditions such as kept<5%, which name the beginning of a column's name.
  all('input[type=search]').forEach(input => {
    const table = byId(input.dataset.of), rows = [...table.tBodies[0].rows];
    const names = all('thead th', table).map(head => head.textContent.toLowerCase().replace(/\s/g, ''));
    const texts = rows.map(row => row.textContent.toLowerCase());
    const testOf = word => {
      const parts = /^([^<>]+)([<>])(-?[\d.]+(?:e-?\d+)?)(%?)$/.exec(word);
      const column = parts ? names.findIndex(name => name.startsWith(parts[1])) : -1;
      if (column < 0) return i => texts[i].includes(word);
      const limit = +parts[3] / (parts[4] ? 100 : 1);
      return i => {
        const value = valueOf(rows[i].cells[column]);
        return parts[2] === '<' ? value < limit : value > limit;
      };
    };
    const filter = () => {
      const tests = input.value.toLowerCase().split(/\s+/).filter(word => word).map(testOf);
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !tests.every(test => test(i));
        shown += !row.hidden;
      });
      all('.count').filter(count => count.dataset.of === input.dataset.of)
          .forEach(count => { count.textContent = `${shown} of ${rows.length} rows`; });
    };
    input.oninput = filter;
    filter();
  });

  // Saving: the rows that are shown, in their order, with all digits.
  const quoted = cell => /[",\r\n]/.test(textOf(cell)) ? `"${textOf(cell).replace(/"/g, '""')}"` : textOf(cell);
  all('.csv').forEach(button => {
    button.onclick = () => {
      const rows = [...byId(button.dataset.of).rows].filter(row => !row.hidden);
      const text = rows.map(row => [...row.cells].map(quoted).join(',') + '\r\n').join('');
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([text], {type: 'text/csv'}));
      link.download = `${button.dataset.of}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 9000);
    };
  });
})();
