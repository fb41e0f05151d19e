//! The division of a ground into cells. Knows where a cell lies; not who hosts it nor who is in it.

pub use client::Cell;

use super::{Ground, Point};

/// The side of a cell, in tiles.
pub const CELL_TILES: u16 = 8;

impl Ground {
    /// How many cells the ground has, (from left to right, from top to bottom). The last ones may reach over the edge.
    pub fn cells(&self) -> (u16, u16) {
        (
            self.width.div_ceil(CELL_TILES),
            self.height.div_ceil(CELL_TILES),
        )
    }

    /// The cell that holds `point`; for a point outside the map, the nearest cell at its edge.
    pub fn cell_of(&self, point: Point) -> Cell {
        // A cast from float to integer takes NaN and negatives to 0 and stops at the greatest.
        let along = |at: f32, tiles: u16| (at as u16).min(tiles.saturating_sub(1)) / CELL_TILES;
        Cell {
            x: along(point.x, self.width),
            y: along(point.y, self.height),
        }
    }

    /// What somebody in `cell` gets to see: the cell and its neighbours that are on the map, row by row.
    pub fn cells_in_view(&self, cell: Cell) -> impl Iterator<Item = Cell> + use<> {
        let (columns, rows) = self.cells();
        let around = |at: u16, count: u16| at.saturating_sub(1)..at.saturating_add(2).min(count);
        let across = around(cell.x, columns);
        around(cell.y, rows).flat_map(move |y| across.clone().map(move |x| Cell { x, y }))
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Ground, Point};

    #[test]
    fn a_cell_in_the_middle_sees_its_eight_neighbours_and_a_corner_three() {
        let ground = Ground::new(30, 20);
        assert_eq!(
            ground.cells(),
            (4, 3),
            "the last column and row should reach over the edge"
        );
        assert_eq!(
            ground.cells_in_view(Cell { x: 1, y: 1 }).count(),
            9,
            "a cell in the middle should see nine"
        );
        let corner: Vec<_> = ground.cells_in_view(Cell { x: 3, y: 2 }).collect();
        let expected = [(2, 1), (3, 1), (2, 2), (3, 2)].map(|(x, y)| Cell { x, y });
        assert_eq!(corner, expected, "a corner should see four, row by row");
    }

    #[test]
    fn every_point_has_a_cell_on_the_map() {
        let ground = Ground::new(30, 20);
        assert_eq!(
            ground.cell_of(Point::new(8.0, 7.99)),
            Cell { x: 1, y: 0 },
            "cells should be 8 tiles wide"
        );
        assert_eq!(
            ground.cell_of(Point::new(1e9, f32::NAN)),
            Cell { x: 3, y: 0 },
            "a stray point should fall to the edge"
        );
        assert_eq!(
            ground.cell_of(Point::new(-5.0, 1e9)),
            Cell { x: 0, y: 2 },
            "a stray point should fall to the edge"
        );
    }
}
