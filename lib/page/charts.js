// Charts: marks say what they are, charts with axes zoom, and the names of a key hide their series. The program has drawn
// the charts; D3, which comes before this script, moves what is drawn, so that both show the same.
'use strict';
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const tip = document.getElementById('tip');

  // The mark that is told, by pointing at it or by the arrow keys.
  let told = null;
  const tell = mark => {
    if (told) told.classList.remove('now');
    told = mark;
    if (told) told.classList.add('now');
    tip.textContent = told ? told.dataset.t : '';
  };
  const marksOf = svg => all('[data-t]', svg).filter(mark => !mark.closest('.off,.out'));

  // data-x and data-y: the lowest and highest value, the pixels where they are, then any of "log", "%" and "fixed".
  const axisOf = text => {
    const [low, high, from, to, ...is] = text.split(' ');
    const scale = is.includes('log') ? d3.scaleLog() : d3.scaleLinear();
    return {scale: scale.domain([+low, +high]).range([+from, +to]), isLog: is.includes('log'),
            unit: is.includes('%') ? 100 : 1, isFixed: is.includes('fixed')};
  };

  // Round values within a scale. A logarithmic scale over a small ratio has those of a linear one, as the program does it.
  const ticksOf = ({scale, isLog}) => {
    const [low, high] = scale.domain();
    if (!isLog || high < 4 * low) return d3.ticks(low, high, 5);
    const digits = high > 300 * low ? '1' : high > 10 * low ? '125' : '123457';
    return scale.ticks().filter(tick => digits.includes(tick.toExponential()[0]));
  };
  const labelsOf = (ticks, unit) => {
    const step = d3.min(d3.pairs(ticks, (a, b) => b - a)) || Math.abs(ticks[0]) / 100 || 1;
    return ticks.map(d3.format(`.${d3.precisionFixed(step * unit)}~${unit === 100 ? '%' : 'f'}`));
  };

  // Grid lines and labels of both axes; a label that would touch the one before it is left out.
  const character = 6.7, line = 13;
  const leftAxis = (y, [left, right]) => {
    const ticks = ticksOf(y), labels = labelsOf(ticks, y.unit);
    let free = Infinity;
    return ticks.map((tick, i) => {
      const at = y.scale(tick), grid = `<path class='g' d='M${left} ${at}H${right}'/>`;
      if (at > free) return grid;
      free = at - line;
      const room = labels[i].length * character > left - 6 ? ` textLength='${left - 6}' lengthAdjust='spacingAndGlyphs'` : '';
      return `${grid}<text x='${left - 6}' y='${at + 4}' class='e'${room}>${labels[i]}</text>`;
    }).join('');
  };
  const bottomAxis = (x, [bottom, top], width) => {
    const ticks = ticksOf(x), labels = labelsOf(ticks, x.unit);
    let free = 0;
    return ticks.map((tick, i) => {
      const at = x.scale(tick), half = labels[i].length * character / 2, middle = Math.min(at, width - half);
      const grid = `<path class='g' d='M${at} ${bottom}V${top}'/>`;
      if (middle - half < free) return grid;
      free = middle + half + character;
      return `${grid}<text x='${middle}' y='${bottom + 16}' class='m'>${labels[i]}</text>`;
    }).join('');
  };

  // A path moves by its absolute commands, which are in data's coordinates; its relative ones are the shape of a mark, which
  // keeps its size. A mark's path begins at its middle. A bar's middle lies between its sides.
  const moved = (path, x, y) => path.replace(/([MLHV])(-?[\d.]+)(?: (-?[\d.]+))?/g, (_, command, a, b) =>
    b !== undefined ? `${command}${x(+a)} ${y(+b)}` : command + (command === 'V' ? y(+a) : x(+a)));
  const middleOf = mark => {
    if (mark.tagName === 'circle') return [+mark.getAttribute('cx'), +mark.getAttribute('cy')];
    const [, x, y, side] = /^M(\S+) ([\d.]+)(?:H([\d.]+))?/.exec(mark.getAttribute('d'));
    return [side === undefined ? +x : (+x + +side) / 2, +y];
  };

  // One chart with axes. Its elements are looked at when it is first pointed at or zoomed.
  class Chart {
    constructor(svg, index) {
      this.svg = svg;
      this.name = `plot-${index}`;
      this.x = axisOf(svg.dataset.x);
      this.y = axisOf(svg.dataset.y);
      const [left, right] = this.x.scale.range(), [bottom, top] = this.y.scale.range();
      this.plot = [[left, top], [right, bottom]];
      this.zoom = d3.zoom().scaleExtent([1, 40]).extent(this.plot).translateExtent(this.plot)
          .filter(() => this.mayZoom(d3.event)).on('zoom', () => this.draw());
      this.self = d3.select(svg).call(this.zoom).style('touch-action', null).on('dblclick.zoom', () => this.reset());
      svg.setAttribute('aria-keyshortcuts', '+ - 0');
    }

    // The wheel scrolls the page unless the chart has the focus, and goes on scrolling if it has begun to. One finger scrolls
    // the page unless the chart is zoomed.
    mayZoom(event) {
      if (event.type === 'wheel')
        return event.ctrlKey || event.metaKey || (event.cancelable && document.activeElement === this.svg);
      if (event.touches) return event.touches.length > 1 || this.transform.k > 1;
      return !event.button && !event.ctrlKey;
    }

    get transform() { return d3.zoomTransform(this.svg); }
    reset() { this.self.call(this.zoom.transform, d3.zoomIdentity); }
    pan(x, y) { this.self.call(this.zoom.translateBy, x / this.transform.k, y / this.transform.k); }
    // About the mark that is told, or else about the middle.
    scaleBy(factor) {
      const mark = this.marks.find(({node}) => node === told);
      this.self.call(this.zoom.scaleBy, factor, mark && [mark.x, mark.y]);
    }

    // As drawn by the program.
    get drawn() {
      return this.first = this.first || {
        paths: all('.z path,.s>path', this.svg).map(node => ({node, d: node.getAttribute('d')})),
        texts: all('.z text', this.svg).map(node => ({node, y: +node.getAttribute('y')})),
        marks: all('[data-t]', this.svg).map(node => ({node, at: middleOf(node)})),
        axes: all('.x,.y', this.svg).map(node => ({node, html: node.innerHTML})),
        clips: all('.z', this.svg),
      };
    }
    get marks() {
      const {x, y} = this.maps();
      return this.drawn.marks.map(({node, at}) => ({node, x: x(at[0]), y: y(at[1])}));
    }
    // Where the zoom puts what was drawn at a pixel.
    maps() {
      const zoom = this.transform, round = value => Math.round(value * 100) / 100;
      return {x: value => round(zoom.applyX(value)), y: this.y.isFixed ? value => value : value => round(zoom.applyY(value))};
    }

    draw() {
      const {x, y} = this.maps(), zoom = this.transform, isZoomed = zoom.k > 1, [[left, top], [right, bottom]] = this.plot;
      this.svg.classList.toggle('zoomed', isZoomed);
      this.drawn.paths.forEach(({node, d}) => node.setAttribute('d', moved(d, x, y)));
      this.drawn.texts.forEach(text => text.node.setAttribute('y', y(text.y)));
      this.drawn.marks.forEach(({node, at}) => {
        if (node.tagName === 'circle') d3.select(node).attr('cx', x(at[0])).attr('cy', y(at[1]));
        const isOut = x(at[0]) < left || x(at[0]) > right || y(at[1]) < top || y(at[1]) > bottom;
        node.classList.toggle('out', isZoomed && isOut);
      });
      if (isZoomed && !document.getElementById(this.name))
        this.self.append('clipPath').attr('id', this.name).append('rect')
            .attr('x', left).attr('y', top).attr('width', right - left).attr('height', bottom - top);
      d3.selectAll(this.drawn.clips).attr('clip-path', isZoomed ? `url(#${this.name})` : null);
      this.drawn.axes.forEach(({node, html}) => {
        const axis = node.matches('.x') ? this.x : this.y;
        if (!isZoomed || axis.isFixed) node.innerHTML = html;
        else if (axis === this.x)
          node.innerHTML = bottomAxis({...axis, scale: zoom.rescaleX(axis.scale)}, [bottom, top],
                                      this.svg.viewBox.baseVal.width);
        else node.innerHTML = leftAxis({...axis, scale: zoom.rescaleY(axis.scale)}, [left, right]);
      });
      this.tree = null;
      if (told && this.svg.contains(told) && told.matches('.out')) tell(null);
    }

    // The mark nearest to the pointer, at most 30 pixels of the screen away; of a histogram, the bar above or below it.
    nearest(event) {
      const box = this.svg.getBoundingClientRect(), unit = this.svg.viewBox.baseVal.width / box.width;
      const x = (event.clientX - box.left) * unit, y = (event.clientY - box.top) * unit;
      const [[left, top], [right, bottom]] = this.plot, edge = 8;
      if (x < left - edge || x > right + edge || y < top - edge || y > bottom + edge) return null;
      if (!this.tree) {
        const shown = new Set(marksOf(this.svg));
        this.tree = d3.quadtree(this.marks.filter(({node}) => shown.has(node)), mark => mark.x,
                                mark => this.y.isFixed ? 0 : mark.y);
      }
      const mark = this.tree.find(x, this.y.isFixed ? 0 : y, 30 * unit);
      return mark ? mark.node : null;
    }
  }
  const charts = new Map(all('svg[data-x]').map((svg, i) => [svg, new Chart(svg, i)]));

  // Pointing at a chart. Maps have no axes: there it is the cell below the pointer.
  const point = event => {
    const target = event.target.closest ? event.target : document.body, chart = charts.get(target.closest('svg[data-x]'));
    tell(chart ? chart.nearest(event) : target.closest('[data-t]'));
  };
  document.addEventListener('pointermove', point);
  document.addEventListener('pointerdown', point);
  // Where a chart cannot zoom any further, the browser must not zoom the page instead.
  document.addEventListener('wheel', event => {
    if ((event.ctrlKey || event.metaKey) && charts.has(event.target.closest('svg[data-x]'))) event.preventDefault();
  }, {passive: false});

  // Keys of a chart that has the focus: arrows read its marks out, with Shift they move it; + and - zoom, 0 resets.
  const steps = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1]};
  document.addEventListener('keydown', event => {
    if (event.key === 'Escape') tell(null);
    const svg = event.target, chart = charts.get(svg), step = steps[event.key];
    if (!svg.matches || !svg.matches('svg') || event.ctrlKey || event.metaKey || event.altKey) return;
    const zooms = {'+': () => chart.scaleBy(1.5), '=': () => chart.scaleBy(1.5), '-': () => chart.scaleBy(1 / 1.5),
                   '0': () => chart.reset()};
    if (chart && zooms[event.key]) zooms[event.key]();
    else if (chart && step && event.shiftKey) chart.pan(-40 * step[0], -40 * step[1]);
    else if (step) {
      const marks = marksOf(svg), by = step[0] + step[1], at = marks.indexOf(told);
      if (marks.length) tell(marks[at < 0 ? (by > 0 ? 0 : marks.length - 1) : (at + by + marks.length) % marks.length]);
    } else return;
    event.preventDefault();
  });
  document.addEventListener('focusout', () => tell(null));

  // The names of a key are buttons: pressed, they hide or show their series in all charts of the figure. Twice, or with Shift,
  // they show it alone, or all again. What would leave nothing shows everything.
  const makeButtons = (figure, items) => {
    const names = items.map(item => item.dataset.s), buttons = items.map(item => {
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...item.childNodes);
      item.append(button);
      return button;
    });
    let shown = new Set(names), before = shown;
    const show = series => {
      shown = series.size ? series : new Set(names);
      buttons.forEach((button, i) => button.setAttribute('aria-pressed', shown.has(names[i])));
      all('.charts [data-s]', figure).forEach(group => group.classList.toggle('off', !shown.has(group.dataset.s)));
      all('svg[data-x]', figure).forEach(svg => { charts.get(svg).tree = null; });
      tell(null);
    };
    buttons.forEach((button, i) => {
      button.onclick = event => {
        const isSecond = event.detail > 1, name = names[i];
        if (!isSecond) before = shown;
        if (isSecond || event.shiftKey)
          show(before.size === 1 && before.has(name) ? new Set() : new Set([name]));
        else
          show(new Set(names.filter(other => shown.has(other) !== (other === name))));
      };
    });
    show(shown);
  };
  const keys = all('figure').map(figure => [figure, all('.key li', figure)]).filter(([, items]) => items.length > 1);
  keys.forEach(([figure, items]) => makeButtons(figure, items));

  // What the charts can do is said once in a section, where it can be done.
  const withKeys = new Set(keys.map(([figure]) => figure));
  let isSaid = false;
  all('h2,figure').forEach(place => {
    if (place.matches('h2')) isSaid = false;
    else if (!isSaid && place.querySelector('svg[data-x]')) {
      const hint = document.createElement('p');
      hint.className = 'hint';
      hint.textContent = 'To zoom: Ctrl and the wheel, two fingers, or the keys + and - once a chart has the focus; drag or ' +
          'Shift and arrows to move, a double click or 0 to reset.' + (withKeys.has(place) ?
          ' Press a name above to hide it; press it twice, or with Shift, to see it alone.' : '');
      place.insertBefore(hint, place.querySelector('.charts'));
      isSaid = true;
    }
  });
})();
