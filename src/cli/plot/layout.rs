//! A layered layout (Sugiyama, Tagawa, Toda 1981): boxes in layers, arrows downwards, few crossings.
//!
//! Layers by the longest path; arrows over several layers pass through points in between; the order within layers by medians,
//! swept up and down; straight columns, placed by the mean of the neighbours and kept apart.

/// A place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// Where everything lies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// Width of all.
    pub width: f64,
    /// Height of all.
    pub height: f64,
    /// Upper left corners of the boxes.
    pub boxes: Vec<Point>,
    /// The points of each arrow, from box to box.
    pub arrows: Vec<Vec<Point>>,
}

/// Between boxes of a layer.
const GAP: f64 = 24.0;
/// Between layers.
const LAYER_GAP: f64 = 34.0;
/// Width that an arrow takes where it passes a layer.
const LANE: f64 = 14.0;
/// Sweeps over the layers.
const SWEEPS: usize = 24;

/// A box, or a point that an arrow passes through.
struct Item {
    width: f64,
    height: f64,
    layer: usize,
    above: Vec<usize>,
    below: Vec<usize>,
    /// Its middle.
    x: f64,
}

/// Places boxes of these sizes with these arrows. Arrows point to later boxes.
pub fn layout(sizes: &[(f64, f64)], edges: &[(usize, usize)]) -> Layout {
    if sizes.is_empty() {
        return Layout::default();
    }
    let (mut items, chains) = items(sizes, edges);
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); items.iter().map(|i| i.layer).max().unwrap_or(0) + 1];
    (0..items.len()).for_each(|at| layers[items[at].layer].push(at));
    order(&items, &mut layers);
    place(&mut items, &layers);

    let left = items.iter().map(|i| i.x - i.width / 2.0).fold(f64::INFINITY, f64::min);
    let right = items.iter().map(|i| i.x + i.width / 2.0).fold(f64::NEG_INFINITY, f64::max);
    let mut tops = Vec::with_capacity(layers.len());
    let mut y = 0.0;
    for layer in &layers {
        let height = layer.iter().map(|at| items[*at].height).fold(0.0, f64::max);
        tops.push((y, height));
        y += height + LAYER_GAP;
    }
    let boxes: Vec<Point> = (0..sizes.len())
        .map(|at| {
            let (item, (top, height)) = (&items[at], tops[items[at].layer]);
            Point { x: item.x - item.width / 2.0 - left, y: top + (height - item.height) / 2.0 }
        })
        .collect();
    let arrows = edges.iter().zip(&chains).map(|(&(from, to), chain)| {
        // Straight beside the boxes of a layer, which may be tall; bends are between layers.
        let ends = |at: usize| {
            let (top, height) = tops[items[at].layer];
            let x = items[at].x - left;
            (Point { x, y: top }, Point { x, y: top + height })
        };
        let mut points =
            vec![Point { x: items[from].x - left, y: boxes[from].y + sizes[from].1 }, ends(from).1];
        chain.iter().for_each(|at| points.extend([ends(*at).0, ends(*at).1]));
        points.extend([ends(to).0, Point { x: items[to].x - left, y: boxes[to].y }]);
        points.dedup();
        points
    });
    Layout { width: right - left, height: y - LAYER_GAP, arrows: arrows.collect(), boxes }
}

/// The boxes, and the points of long arrows: `chains[e]` are those of arrow `e`.
fn items(sizes: &[(f64, f64)], edges: &[(usize, usize)]) -> (Vec<Item>, Vec<Vec<usize>>) {
    let mut layer = vec![0usize; sizes.len()];
    // Arrows point onwards, so the boxes' order is one in which layers can be told.
    let mut sorted = edges.to_vec();
    sorted.sort_unstable();
    for (from, to) in &sorted {
        layer[*to] = layer[*to].max(layer[*from] + 1);
    }
    // A box that nothing enters lies right above the first that it enters.
    for at in (0..sizes.len()).rev() {
        let nearest = edges.iter().filter(|e| e.0 == at).map(|e| layer[e.1]).min();
        if let (Some(nearest), false) = (nearest, edges.iter().any(|e| e.1 == at)) {
            layer[at] = nearest - 1;
        }
    }
    let item = |(width, height): (f64, f64), layer| Item {
        width,
        height,
        layer,
        above: vec![],
        below: vec![],
        x: 0.0,
    };
    let mut items: Vec<Item> = sizes.iter().zip(&layer).map(|(size, layer)| item(*size, *layer)).collect();
    let mut chains = Vec::with_capacity(edges.len());
    for &(from, to) in edges {
        let (mut last, mut chain) = (from, Vec::new());
        for between in layer[from] + 1..layer[to] {
            items.push(item((LANE, 0.0), between));
            let at = items.len() - 1;
            items[last].below.push(at);
            items[at].above.push(last);
            chain.push(at);
            last = at;
        }
        items[last].below.push(to);
        items[to].above.push(last);
        chains.push(chain);
    }
    (items, chains)
}

/// Orders each layer so that few arrows cross: by the medians of the neighbours above, then below; the best order stays.
fn order(items: &[Item], layers: &mut Vec<Vec<usize>>) {
    let mut best = layers.clone();
    let mut fewest = crossings(items, layers);
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        let down = sweep % 2 == 0;
        let numbers: Vec<usize> =
            if down { (1..layers.len()).collect() } else { (0..layers.len() - 1).rev().collect() };
        for number in numbers {
            let neighbours = if down { number - 1 } else { number + 1 };
            let place = places(items.len(), &layers[neighbours]);
            let own = places(items.len(), &layers[number]);
            let key = |at: &usize| {
                let of = if down { &items[*at].above } else { &items[*at].below };
                let mut found: Vec<usize> = of.iter().map(|n| place[*n]).collect();
                found.sort_unstable();
                match found.len() {
                    0 => own[*at] as f64,
                    n if n % 2 == 1 => found[n / 2] as f64,
                    n => (found[n / 2 - 1] + found[n / 2]) as f64 / 2.0,
                }
            };
            layers[number].sort_by(|a, b| key(a).total_cmp(&key(b)));
        }
        let now = crossings(items, layers);
        if now < fewest {
            (fewest, best) = (now, layers.clone());
        }
    }
    *layers = best;
}

fn places(items: usize, layer: &[usize]) -> Vec<usize> {
    let mut place = vec![0; items];
    layer.iter().enumerate().for_each(|(at, item)| place[*item] = at);
    place
}

fn crossings(items: &[Item], layers: &[Vec<usize>]) -> usize {
    let mut count = 0;
    for pair in layers.windows(2) {
        let place = places(items.len(), &pair[1]);
        // Ends of the arrows in the order of their starts: each inversion is a crossing.
        let mut ends = Vec::new();
        for at in &pair[0] {
            let mut own: Vec<usize> = items[*at].below.iter().map(|n| place[*n]).collect();
            own.sort_unstable();
            ends.extend(own);
        }
        for (at, end) in ends.iter().enumerate() {
            count += ends[..at].iter().filter(|before| *before > end).count();
        }
    }
    count
}

/// Places the items: straight columns first, then columns as near to those that they have arrows to as the others allow.
fn place(items: &mut [Item], layers: &[Vec<usize>]) {
    let columns = columns(items, layers);
    let count = columns.iter().max().map_or(0, |last| last + 1);
    // What must be left of what, and how far apart.
    let (mut left, mut right) = (vec![Vec::new(); count], vec![Vec::new(); count]);
    for layer in layers {
        for pair in layer.windows(2) {
            let (a, b) = (&items[pair[0]], &items[pair[1]]);
            let gap = if a.height == 0.0 && b.height == 0.0 { 0.0 } else { GAP };
            let apart = (a.width + b.width) / 2.0 + gap;
            left[columns[pair[1]]].push((columns[pair[0]], apart));
            right[columns[pair[0]]].push((columns[pair[1]], apart));
        }
    }
    let mut x = packed(&left, &right);
    let mut neighbours = vec![Vec::new(); count];
    for (at, item) in items.iter().enumerate() {
        let others = item.below.iter().chain(&item.above).map(|other| columns[*other]);
        neighbours[columns[at]].extend(others.filter(|other| *other != columns[at]));
    }
    let mut order: Vec<usize> = (0..count).collect();
    for _ in 0..SWEEPS {
        // From the right first: there is room on that side.
        order.sort_by(|a, b| x[*b].total_cmp(&x[*a]));
        for _ in 0..2 {
            for &at in &order {
                if neighbours[at].is_empty() {
                    continue;
                }
                let wanted = neighbours[at].iter().map(|n| x[*n]).sum::<f64>() / neighbours[at].len() as f64;
                let low = left[at].iter().map(|(n, apart)| x[*n] + apart).fold(f64::NEG_INFINITY, f64::max);
                let high = right[at].iter().map(|(n, apart)| x[*n] - apart).fold(f64::INFINITY, f64::min);
                x[at] = wanted.min(high).max(low);
            }
            order.reverse();
        }
    }
    items.iter_mut().zip(&columns).for_each(|(item, column)| item.x = x[*column]);
}

/// Which column each item stands in. Two items stand in one column if each is the middle one of the other's neighbours (the left
/// one of two), and the arrow crosses none that is straight already. Arrows over several layers come first.
fn columns(items: &[Item], layers: &[Vec<usize>]) -> Vec<usize> {
    let mut place = vec![0; items.len()];
    layers.iter().for_each(|layer| layer.iter().enumerate().for_each(|(at, item)| place[*item] = at));
    let middle = |of: &[usize]| {
        let mut of = of.to_vec();
        of.sort_by_key(|n| place[*n]);
        of.get(of.len().saturating_sub(1) / 2).copied()
    };
    let lane = |at: usize| items[at].height == 0.0;
    let mut column: Vec<usize> = vec![usize::MAX; items.len()];
    let mut next = 0;
    for layer in layers {
        let mut straight: Vec<(usize, usize)> = Vec::new();
        for lanes in [true, false] {
            for &at in layer {
                let Some(above) = middle(&items[at].above) else { continue };
                let wanted = match lane(above) && lane(at) {
                    true => lanes,
                    false => !lanes && middle(&items[above].below) == Some(at),
                };
                let crosses = |&(a, b): &(usize, usize)| (place[a] < place[above]) != (place[b] < place[at]);
                if wanted && !straight.iter().any(crosses) {
                    straight.push((above, at));
                    column[at] = column[above];
                }
            }
        }
        for &at in layer {
            if column[at] == usize::MAX {
                column[at] = next;
                next += 1;
            }
        }
    }
    column
}

/// Columns as far left as they can be.
fn packed(left: &[Vec<(usize, f64)>], right: &[Vec<(usize, f64)>]) -> Vec<f64> {
    let mut x = vec![0.0f64; left.len()];
    // In an order in which all that is left of a column comes before it.
    let mut open: Vec<usize> = left.iter().map(Vec::len).collect();
    let mut ready: Vec<usize> = (0..left.len()).filter(|at| open[*at] == 0).collect();
    while let Some(at) = ready.pop() {
        for (other, apart) in &right[at] {
            x[*other] = x[*other].max(x[at] + apart);
            open[*other] -= 1;
            if open[*other] == 0 {
                ready.push(*other);
            }
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(n: usize) -> Vec<(f64, f64)> {
        vec![(100.0, 40.0); n]
    }

    /// No two boxes overlap, and every arrow points downwards.
    fn check(sizes: &[(f64, f64)], edges: &[(usize, usize)]) -> Layout {
        let out = layout(sizes, edges);
        for (a, (p, s)) in out.boxes.iter().zip(sizes).enumerate() {
            assert!(
                p.x >= -1e-6 && p.x + s.0 <= out.width + 1e-6 && p.y >= 0.0 && p.y + s.1 <= out.height + 1e-6
            );
            for (q, t) in out.boxes[..a].iter().zip(sizes) {
                let apart = p.x + s.0 <= q.x || q.x + t.0 <= p.x || p.y + s.1 <= q.y || q.y + t.1 <= p.y;
                assert!(apart, "boxes overlap: {p:?} {q:?}");
            }
        }
        for arrow in &out.arrows {
            assert!(arrow.windows(2).all(|pair| pair[0].y <= pair[1].y), "{arrow:?}");
        }
        out
    }

    #[test]
    fn a_chain_is_straight() {
        let edges: Vec<_> = (0..99).map(|at| (at, at + 1)).collect();
        let out = check(&boxes(100), &edges);
        assert!(out.boxes.iter().all(|p| p.x == out.boxes[0].x));
    }

    #[test]
    fn skips_pass_beside_the_boxes() {
        // Residual blocks: at each third box the value from three before is added.
        let mut edges: Vec<_> = (0..60).map(|at| (at, at + 1)).collect();
        edges.extend((0..57).step_by(3).map(|at| (at, at + 3)));
        let sizes = boxes(61);
        let out = check(&sizes, &edges);
        for arrow in out.arrows.iter().filter(|arrow| arrow.len() > 2) {
            for point in &arrow[1..arrow.len() - 1] {
                let inside = |p: &Point, s: &(f64, f64)| {
                    point.x > p.x && point.x < p.x + s.0 && point.y > p.y && point.y < p.y + s.1
                };
                assert!(!out.boxes.iter().zip(&sizes).any(|(p, s)| inside(p, s)));
            }
        }
    }

    #[test]
    fn orders_have_few_crossings() {
        // Two chains whose boxes were made in turns, crosswise.
        let edges = [(0, 3), (1, 2), (3, 4), (2, 5)];
        let out = check(&boxes(6), &edges);
        let left = |a: usize, b: usize| out.boxes[a].x < out.boxes[b].x;
        assert_eq!((left(0, 1), left(3, 2)), (left(3, 2), left(4, 5)));
    }

    #[test]
    fn any_graph_is_laid_out() {
        // SplitMix64.
        let mut state = 1u64;
        let mut random = |end: usize| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            ((z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33) as usize % end
        };
        for _ in 0..300 {
            let n = 2 + random(24);
            let sizes: Vec<(f64, f64)> =
                (0..n).map(|_| (20.0 + random(200) as f64, 10.0 + random(90) as f64)).collect();
            let mut edges = std::collections::BTreeSet::new();
            for _ in 0..random(3 * n) {
                let to = 1 + random(n - 1);
                edges.insert((random(to), to));
            }
            check(&sizes, &edges.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn nothing_and_one() {
        assert_eq!(layout(&[], &[]), Layout::default());
        assert_eq!(check(&boxes(1), &[]).boxes, [Point::default()]);
    }
}
