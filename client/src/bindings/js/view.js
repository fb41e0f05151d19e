/**
 * What is to be seen: the entities of the cells in view, kept up to date by cell frames. An entity that two cells list for a
 * moment is where it was told whole last. An object that the view handed out never changes: a change makes a new one.
 */
export class View {
  #cells = new Map();
  #places = new Map();

  /**
   * Takes in a decoded cell frame. Deltas of cells that are not in view, and frames that are not newer, change nothing.
   * Answers null, or which frames are missing; the server heals that by itself.
   */
  apply(frame) {
    const key = cellKey(frame.cell.x, frame.cell.y);
    const seen = this.#cells.get(key);
    const order = seen === undefined ? 1 : frame.epoch - seen.epoch || frame.sequence - seen.sequence;
    if (frame.kind === "snapshot") {
      if (order < 0) return null;
      this.#drop(key);
      const { x, y } = frame.cell;
      this.#cells.set(key, { x, y, epoch: 0, sequence: 0, entities: new Map() });
      this.#takeIn(key, frame);
      return null;
    }
    if (seen === undefined || order <= 0) return null;
    const known = { epoch: seen.epoch, sequence: seen.sequence };
    this.#takeIn(key, frame);
    if (frame.epoch === known.epoch && frame.sequence === known.sequence + 1) return null;
    return { cell: frame.cell, known, got: { epoch: frame.epoch, sequence: frame.sequence } };
  }

  /** Forgets a cell that left the view, and whoever is listed there alone. */
  cellLeft(x, y) {
    this.#drop(cellKey(x, y));
  }

  /** Forgets everything. */
  clear() {
    this.#cells.clear();
    this.#places.clear();
  }

  /** How many entities are in view. */
  get size() {
    return this.#places.size;
  }

  /** An entity in view, or undefined. */
  get(handle) {
    const key = this.#places.get(handle);
    return key === undefined ? undefined : this.#cells.get(key)?.entities.get(handle);
  }

  /** The cell that an entity in view is in, or undefined. */
  cellOf(handle) {
    const cell = this.#cells.get(this.#places.get(handle));
    return cell === undefined ? undefined : { x: cell.x, y: cell.y };
  }

  /** Every entity in view, in no order. */
  *entities() {
    for (const [handle, key] of this.#places) {
      const entity = this.#cells.get(key)?.entities.get(handle);
      if (entity !== undefined) yield entity;
    }
  }

  /** Every cell in view, in no order, and how far its frames are known. */
  *cells() {
    for (const { x, y, epoch, sequence } of this.#cells.values()) yield { x, y, epoch, sequence };
  }

  #takeIn(key, frame) {
    const cell = this.#cells.get(key);
    cell.epoch = frame.epoch;
    cell.sequence = frame.sequence;
    const gone = new Set();
    for (const { change, ...told } of frame.entries) {
      const { handle } = told;
      if (change === "whole") {
        cell.entities.set(handle, told);
        this.#places.set(handle, key);
        gone.delete(handle);
      } else if (change === "part") {
        const entity = cell.entities.get(handle);
        if (entity !== undefined) cell.entities.set(handle, { ...entity, ...told });
      } else {
        cell.entities.delete(handle);
        gone.add(handle);
      }
    }
    for (const handle of gone) this.#left(handle, key);
  }

  #drop(key) {
    const dropped = this.#cells.get(key);
    if (dropped === undefined) return;
    this.#cells.delete(key);
    for (const handle of dropped.entities.keys()) this.#left(handle, key);
  }

  /** After a cell stopped listing an entity: it may still be listed by the cell that it went to. */
  #left(handle, key) {
    if (this.#places.get(handle) !== key) return;
    let elsewhere;
    for (const [other, cell] of this.#cells) {
      if (cell.entities.has(handle) && (elsewhere === undefined || other < elsewhere)) elsewhere = other;
    }
    if (elsewhere === undefined) this.#places.delete(handle);
    else this.#places.set(handle, elsewhere);
  }
}

/** A cell as one number, which orders as x, then y. */
function cellKey(x, y) {
  return x * 0x10000 + y;
}
