// A way round the walls, for who clicks on the far side of one. The server walks straight; the way is the client's to find.

const STEPS = [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [1, -1], [-1, 1], [-1, -1]];

/** No search looks at more tiles than this: half a second of walking is not worth a stutter. */
const TILES_MAX = 6000;

/**
 * The corners of a way from `from` to `to`, the goal last. Where there is none, or the goal is a wall, it leads as near as one gets.
 * Empty when one is there already.
 */
export function findPath(ground, from, to) {
  if (ground.free(from, to)) {
    return [{ x: to.x, y: to.y }];
  }
  const start = { x: Math.floor(from.x), y: Math.floor(from.y) };
  const goal = { x: Math.floor(to.x), y: Math.floor(to.y) };
  const key = (x, y) => y * ground.width + x;
  const rest = (x, y) => Math.hypot(goal.x - x, goal.y - y);
  const open = [{ x: start.x, y: start.y, cost: 0, hope: rest(start.x, start.y), before: null }];
  const best = new Map([[key(start.x, start.y), 0]]);
  const closed = new Set();
  let nearest = open[0];
  while (open.length > 0 && closed.size < TILES_MAX) {
    const node = pop(open);
    const id = key(node.x, node.y);
    if (closed.has(id)) {
      continue;
    }
    closed.add(id);
    if (rest(node.x, node.y) < rest(nearest.x, nearest.y)) {
      nearest = node;
    }
    if (node.x === goal.x && node.y === goal.y) {
      break;
    }
    for (const [stepX, stepY] of STEPS) {
      const x = node.x + stepX;
      const y = node.y + stepY;
      const cutsCorner = ground.blocksWay(x, node.y) || ground.blocksWay(node.x, y);
      if (ground.blocksWay(x, y) || (stepX !== 0 && stepY !== 0 && cutsCorner)) {
        continue;
      }
      const cost = node.cost + Math.hypot(stepX, stepY);
      if (cost < (best.get(key(x, y)) ?? Infinity)) {
        best.set(key(x, y), cost);
        push(open, { x, y, cost, hope: cost + rest(x, y), before: node });
      }
    }
  }
  const tiles = [];
  for (let node = nearest; node.before; node = node.before) {
    tiles.unshift({ x: node.x + 0.5, y: node.y + 0.5 });
  }
  const reached = nearest.x === goal.x && nearest.y === goal.y && ground.passable(to);
  if (reached) {
    tiles.push({ x: to.x, y: to.y });
  }
  return straightened(ground, from, tiles);
}

/** Leaves out the points between which the straight way is free. */
function straightened(ground, from, tiles) {
  const way = [];
  let at = from;
  let index = 0;
  while (index < tiles.length) {
    let far = index;
    for (let next = tiles.length - 1; next > index; next -= 1) {
      if (ground.free(at, tiles[next])) {
        far = next;
        break;
      }
    }
    at = tiles[far];
    way.push(at);
    index = far + 1;
  }
  return way;
}

// A binary heap, the least hope first.

function push(heap, node) {
  heap.push(node);
  let at = heap.length - 1;
  while (at > 0) {
    const up = (at - 1) >> 1;
    if (heap[up].hope <= heap[at].hope) {
      break;
    }
    [heap[up], heap[at]] = [heap[at], heap[up]];
    at = up;
  }
}

function pop(heap) {
  const top = heap[0];
  const last = heap.pop();
  if (heap.length > 0) {
    heap[0] = last;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      let least = at;
      if (left < heap.length && heap[left].hope < heap[least].hope) {
        least = left;
      }
      if (left + 1 < heap.length && heap[left + 1].hope < heap[least].hope) {
        least = left + 1;
      }
      if (least === at) {
        break;
      }
      [heap[least], heap[at]] = [heap[at], heap[least]];
      at = least;
    }
  }
  return top;
}
