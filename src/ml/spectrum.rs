//! Singular vectors of small square matrices, with the signs that Spark's have.
//!
//! A principal component is known up to its sign only, and which sign comes out depends on every step of the algorithm.
//! Spark calls LAPACK's `dgesdd`; up to 25 columns that is Householder's reduction to two diagonals (`dgebd2`) and
//! Golub and Kahan's QR iterations with zero shifts after Demmel and Kahan (`dbdsqr`). Both are here in LAPACK's order of
//! rotations. Above 25 columns LAPACK divides and conquers: values and vectors are the same, signs may differ.

use super::matrix::Matrix;

/// The relative machine precision, LAPACK's `eps`.
const EPS: f64 = f64::EPSILON / 2.0;
/// Sweeps over the whole matrix before it is given up, times n².
const SWEEPS: usize = 6;

/// Returns the singular values of a square matrix, descending, and the left singular vectors as the columns of a matrix;
/// `None` if the values do not converge, as with NaN.
///
/// `matrix` has n rows of n values. Costs about 4 n³ operations.
///
/// ```
/// use rivulet::ml::spectrum::left_singular;
///
/// let (values, vectors) = left_singular(2, vec![0.0, 3.0, 2.0, 0.0]).unwrap();
/// assert_eq!(values, [3.0, 2.0]);
/// assert_eq!(vectors.row(0)[0].abs(), 1.0);
/// ```
pub fn left_singular(n: usize, matrix: Vec<f64>) -> Option<(Vec<f64>, Matrix)> {
    if n == 0 || matrix.len() != n * n || matrix.iter().any(|v| !v.is_finite()) {
        return None;
    }
    if n == 1 {
        return Some((vec![matrix[0].abs()], Matrix::new(1, 1, vec![1.0])));
    }
    let mut reduction = Reduction::of(n, matrix);
    let mut iteration = Iteration {
        n,
        d: std::mem::take(&mut reduction.d),
        e: std::mem::take(&mut reduction.e),
        u: identity(n),
    };
    iteration.run()?;
    iteration.sort();
    let mut u = iteration.u;
    reduction.apply(&mut u);
    Some((iteration.d, Matrix::new(n, n, u)))
}

/// Returns the identity, row after row.
fn identity(n: usize) -> Vec<f64> {
    (0..n * n).map(|i| if i / n == i % n { 1.0 } else { 0.0 }).collect()
}

/// A matrix as `Q B Pᵀ` with B of two diagonals; of Q the reflections are kept.
struct Reduction {
    /// Number of rows and columns.
    n: usize,
    /// The diagonal of B.
    d: Vec<f64>,
    /// The diagonal above it.
    e: Vec<f64>,
    /// Per column, the vector and the factor of its reflection.
    reflections: Vec<(Vec<f64>, f64)>,
}

/// Returns the reflection that maps `x` to a multiple of the first unit vector: its vector, which begins with 1, its
/// factor, and the multiple (`dlarfg`).
fn reflection(x: &[f64]) -> (Vec<f64>, f64, f64) {
    let mut v = x.to_vec();
    let (alpha, rest) = (x[0], norm(&x[1..]));
    v[0] = 1.0;
    if rest == 0.0 {
        return (v, 0.0, alpha);
    }
    let beta = -alpha.hypot(rest).copysign(alpha);
    v[1..].iter_mut().for_each(|y| *y /= alpha - beta);
    (v, (beta - alpha) / beta, beta)
}

/// Returns the euclidean norm, without overflow.
fn norm(x: &[f64]) -> f64 {
    let scale = x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    if scale == 0.0 {
        return 0.0;
    }
    scale * x.iter().map(|v| (v / scale) * (v / scale)).sum::<f64>().sqrt()
}

impl Reduction {
    /// Reduces a matrix of n rows (`dgebd2`).
    fn of(n: usize, mut a: Vec<f64>) -> Self {
        let (mut d, mut e, mut reflections) = (vec![], vec![], vec![]);
        for i in 0..n {
            let column: Vec<f64> = (i..n).map(|row| a[row * n + i]).collect();
            let (v, tau, beta) = reflection(&column);
            d.push(beta);
            for column in i + 1..n {
                let product: f64 = (i..n).map(|row| v[row - i] * a[row * n + column]).sum();
                (i..n).for_each(|row| a[row * n + column] -= tau * product * v[row - i]);
            }
            reflections.push((v, tau));
            if i + 1 < n {
                let (w, tau, beta) = reflection(&a[i * n + i + 1..(i + 1) * n]);
                e.push(beta);
                for row in i + 1..n {
                    let line = &mut a[row * n + i + 1..(row + 1) * n];
                    let product: f64 = w.iter().zip(line.iter()).map(|(x, y)| x * y).sum();
                    line.iter_mut().zip(&w).for_each(|(y, x)| *y -= tau * product * x);
                }
            }
        }
        Self { n, d, e, reflections }
    }

    /// Multiplies Q with a matrix, in place.
    fn apply(&self, u: &mut [f64]) {
        let n = self.n;
        for (i, (v, tau)) in self.reflections.iter().enumerate().rev() {
            for column in 0..n {
                let product: f64 = (i..n).map(|row| v[row - i] * u[row * n + column]).sum();
                (i..n).for_each(|row| u[row * n + column] -= tau * product * v[row - i]);
            }
        }
    }
}

/// Returns (c, s, r) of the rotation that maps (f, g) to (r, 0) (`dlartg` of LAPACK 3).
fn rotation(f: f64, g: f64) -> (f64, f64, f64) {
    if g == 0.0 {
        return (1.0, 0.0, f);
    }
    if f == 0.0 {
        return (0.0, 1.0, g);
    }
    let r = f.hypot(g);
    let (c, s) = (f / r, g / r);
    if f.abs() > g.abs() && c < 0.0 {
        (-c, -s, -r)
    } else {
        (c, s, r)
    }
}

/// Returns the smaller singular value of the triangle (f, g; 0, h) (`dlas2`).
fn smaller_of_two(f: f64, g: f64, h: f64) -> f64 {
    let (fa, ga, ha) = (f.abs(), g.abs(), h.abs());
    let (low, high) = (fa.min(ha), fa.max(ha));
    if low == 0.0 {
        return 0.0;
    }
    let (sum, difference) = (1.0 + low / high, (high - low) / high);
    if ga < high {
        let au = (ga / high) * (ga / high);
        let c = 2.0 / ((sum * sum + au).sqrt() + (difference * difference + au).sqrt());
        return low * c;
    }
    let au = high / ga;
    if au == 0.0 {
        return low * high / ga;
    }
    let (x, y) = (sum * au, difference * au);
    let c = 1.0 / ((1.0 + x * x).sqrt() + (1.0 + y * y).sqrt());
    2.0 * (low * c * au)
}

/// The singular values of a triangle of two, signed, and the rotation from the left.
struct Two {
    /// The smaller one.
    low: f64,
    /// The greater one.
    high: f64,
    /// The cosine.
    cos: f64,
    /// The sine.
    sin: f64,
}

/// Decomposes the triangle (f, g; 0, h) (`dlasv2`).
fn two(f: f64, g: f64, h: f64) -> Two {
    let swap = h.abs() > f.abs();
    let (ft, ht) = if swap { (h, f) } else { (f, h) };
    let (fa, ha, ga) = (ft.abs(), ht.abs(), g.abs());
    let mut largest = if swap { 3 } else { 1 };
    let (low, high, clt, slt, crt, srt);
    if ga == 0.0 {
        (low, high, clt, slt, crt, srt) = (ha, fa, 1.0, 0.0, 1.0, 0.0);
    } else {
        if ga > fa {
            largest = 2;
        }
        if ga > fa && fa / ga < EPS {
            high = ga;
            low = if ha > 1.0 { fa / (ga / ha) } else { fa / ga * ha };
            (clt, slt, srt, crt) = (1.0, ht / g, 1.0, ft / g);
        } else {
            let d = fa - ha;
            let l = if d == fa { 1.0 } else { d / fa };
            let m = g / ft;
            let t = 2.0 - l;
            let (mm, tt) = (m * m, t * t);
            let s = (tt + mm).sqrt();
            let r = if l == 0.0 { m.abs() } else { (l * l + mm).sqrt() };
            let a = 0.5 * (s + r);
            (low, high) = (ha / a, fa * a);
            let t = if mm != 0.0 {
                (m / (s + t) + m / (r + l)) * (1.0 + a)
            } else if l == 0.0 {
                2.0_f64.copysign(ft) * 1.0_f64.copysign(g)
            } else {
                g / d.copysign(ft) + m / t
            };
            let l = (t * t + 4.0).sqrt();
            (crt, srt) = (2.0 / l, t / l);
            clt = (crt + srt * m) / a;
            slt = (ht / ft) * srt / a;
        }
    }
    let (csl, snl, csr, snr) = if swap {
        (srt, crt, slt, clt)
    } else {
        (clt, slt, crt, srt)
    };
    let sign = |x: f64| 1.0_f64.copysign(x);
    let of_high = match largest {
        1 => sign(csr) * sign(csl) * sign(f),
        2 => sign(snr) * sign(csl) * sign(g),
        _ => sign(snr) * sign(snl) * sign(h),
    };
    Two {
        high: high.copysign(of_high),
        low: low.copysign(of_high * sign(f) * sign(h)),
        cos: csl,
        sin: snl,
    }
}

/// A matrix of two diagonals on its way to one, and the left vectors so far (`dbdsqr`).
struct Iteration {
    /// Number of rows and columns.
    n: usize,
    /// The diagonal.
    d: Vec<f64>,
    /// The diagonal above it.
    e: Vec<f64>,
    /// The left vectors as columns, row after row.
    u: Vec<f64>,
}

impl Iteration {
    /// Rotates columns `j` and `j + 1` of the vectors (`dlasr`).
    fn turn(&mut self, j: usize, c: f64, s: f64) {
        for row in self.u.chunks_mut(self.n) {
            let (a, b) = (row[j], row[j + 1]);
            row[j + 1] = c * b - s * a;
            row[j] = s * b + c * a;
        }
    }

    /// Iterates until the upper diagonal is 0; `None` if that takes too long.
    fn run(&mut self) -> Option<()> {
        let n = self.n;
        let tolerance = EPS.powf(-0.125).clamp(10.0, 100.0) * EPS;
        let mut least = self.d[0].abs();
        let mut mu = least;
        for i in 1..n {
            if least == 0.0 {
                break;
            }
            mu = self.d[i].abs() * (mu / (mu + self.e[i - 1].abs()));
            least = least.min(mu);
        }
        let floor = (SWEEPS * n * n) as f64 * f64::MIN_POSITIVE;
        let threshold = (tolerance * (least / (n as f64).sqrt())).max(floor);
        let (mut budget, mut m) = (SWEEPS * n * n, n - 1);
        let (mut last_block, mut down) = (None, true);
        // The block is of rows l to m.
        while m > 0 {
            let mut greatest = self.d[m].abs();
            let mut l = m;
            let mut split = false;
            while l > 0 {
                let above = self.e[l - 1].abs();
                if above <= threshold {
                    self.e[l - 1] = 0.0;
                    split = true;
                    break;
                }
                l -= 1;
                greatest = greatest.max(self.d[l].abs()).max(above);
            }
            if split && l == m {
                m -= 1;
                continue;
            }
            if l + 1 == m {
                let found = two(self.d[l], self.e[l], self.d[m]);
                (self.d[l], self.e[l], self.d[m]) = (found.high, 0.0, found.low);
                self.turn(l, found.cos, found.sin);
                if m < 2 {
                    break;
                }
                m -= 2;
                continue;
            }
            if last_block.is_none_or(|(bottom, top)| l > bottom || m < top) {
                down = self.d[l].abs() >= self.d[m].abs();
            }
            let Some(smallest) = self.smallest(l, m, down, tolerance) else {
                continue;
            };
            last_block = Some((m, l));
            budget = budget.checked_sub(m - l)?;
            let shift = self.shift(l, m, down, smallest / greatest, tolerance);
            match (shift == 0.0, down) {
                (true, true) => self.down_without_shift(l, m),
                (true, false) => self.up_without_shift(l, m),
                (false, true) => self.down(l, m, shift),
                (false, false) => self.up(l, m, shift),
            }
            let end = if down { m - 1 } else { l };
            if self.e[end].abs() <= threshold {
                self.e[end] = 0.0;
            }
        }
        self.d.iter_mut().for_each(|d| *d = d.abs());
        Some(())
    }

    /// Returns a bound of the smallest singular value of a block; `None` if a value above the diagonal was so small that
    /// it became 0.
    fn smallest(&mut self, l: usize, m: usize, down: bool, tolerance: f64) -> Option<f64> {
        let (end, at) = if down { (m - 1, m) } else { (l, l) };
        if self.e[end].abs() <= tolerance * self.d[at].abs() {
            self.e[end] = 0.0;
            return None;
        }
        let mut mu = self.d[if down { l } else { m }].abs();
        let mut least = mu;
        let places: Vec<usize> = if down { (l..m).collect() } else { (l..m).rev().collect() };
        for i in places {
            if self.e[i].abs() <= tolerance * mu {
                self.e[i] = 0.0;
                return None;
            }
            mu = self.d[if down { i + 1 } else { i }].abs() * (mu / (mu + self.e[i].abs()));
            least = least.min(mu);
        }
        Some(least)
    }

    /// Returns the shift of the next sweep; 0 if accuracy forbids one.
    fn shift(&self, l: usize, m: usize, down: bool, share: f64, tolerance: f64) -> f64 {
        if self.n as f64 * tolerance * share <= EPS.max(0.01 * tolerance) {
            return 0.0;
        }
        let (at, shift) = if down {
            (self.d[l].abs(), smaller_of_two(self.d[m - 1], self.e[m - 1], self.d[m]))
        } else {
            (self.d[m].abs(), smaller_of_two(self.d[l], self.e[l], self.d[l + 1]))
        };
        if at > 0.0 && (shift / at) * (shift / at) < EPS {
            0.0
        } else {
            shift
        }
    }

    /// Sweeps from the top down with shift 0.
    fn down_without_shift(&mut self, l: usize, m: usize) {
        let (mut cs, mut old_cs, mut old_sn) = (1.0, 1.0, 0.0);
        for i in l..m {
            let (c, s, r) = rotation(self.d[i] * cs, self.e[i]);
            if i > l {
                self.e[i - 1] = old_sn * r;
            }
            let (oc, os, d) = rotation(old_cs * r, self.d[i + 1] * s);
            (cs, old_cs, old_sn, self.d[i]) = (c, oc, os, d);
            self.turn(i, oc, os);
        }
        let h = self.d[m] * cs;
        self.d[m] = h * old_cs;
        self.e[m - 1] = h * old_sn;
    }

    /// Sweeps from the bottom up with shift 0.
    fn up_without_shift(&mut self, l: usize, m: usize) {
        let (mut cs, mut old_cs, mut old_sn) = (1.0, 1.0, 0.0);
        for i in (l + 1..=m).rev() {
            let (c, s, r) = rotation(self.d[i] * cs, self.e[i - 1]);
            if i < m {
                self.e[i] = old_sn * r;
            }
            let (oc, os, d) = rotation(old_cs * r, self.d[i - 1] * s);
            (cs, old_cs, old_sn, self.d[i]) = (c, oc, os, d);
            self.turn(i - 1, c, -s);
        }
        let h = self.d[l] * cs;
        self.d[l] = h * old_cs;
        self.e[l] = h * old_sn;
    }

    /// Sweeps from the top down.
    fn down(&mut self, l: usize, m: usize, shift: f64) {
        let first = self.d[l];
        let mut f = (first.abs() - shift) * (1.0_f64.copysign(first) + shift / first);
        let mut g = self.e[l];
        for i in l..m {
            let (cr, sr, r) = rotation(f, g);
            if i > l {
                self.e[i - 1] = r;
            }
            f = cr * self.d[i] + sr * self.e[i];
            self.e[i] = cr * self.e[i] - sr * self.d[i];
            g = sr * self.d[i + 1];
            self.d[i + 1] *= cr;
            let (cl, sl, r) = rotation(f, g);
            self.d[i] = r;
            f = cl * self.e[i] + sl * self.d[i + 1];
            self.d[i + 1] = cl * self.d[i + 1] - sl * self.e[i];
            if i + 1 < m {
                g = sl * self.e[i + 1];
                self.e[i + 1] *= cl;
            }
            self.turn(i, cl, sl);
        }
        self.e[m - 1] = f;
    }

    /// Sweeps from the bottom up.
    fn up(&mut self, l: usize, m: usize, shift: f64) {
        let last = self.d[m];
        let mut f = (last.abs() - shift) * (1.0_f64.copysign(last) + shift / last);
        let mut g = self.e[m - 1];
        for i in (l + 1..=m).rev() {
            let (cr, sr, r) = rotation(f, g);
            if i < m {
                self.e[i] = r;
            }
            f = cr * self.d[i] + sr * self.e[i - 1];
            self.e[i - 1] = cr * self.e[i - 1] - sr * self.d[i];
            g = sr * self.d[i - 1];
            self.d[i - 1] *= cr;
            let (cl, sl, r) = rotation(f, g);
            self.d[i] = r;
            f = cl * self.e[i - 1] + sl * self.d[i - 1];
            self.d[i - 1] = cl * self.d[i - 1] - sl * self.e[i - 1];
            if i > l + 1 {
                g = sl * self.e[i - 2];
                self.e[i - 2] *= cl;
            }
            self.turn(i - 1, cr, -sr);
        }
        self.e[l] = f;
    }

    /// Sorts values and vectors, the greatest value first.
    fn sort(&mut self) {
        let n = self.n;
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|a, b| self.d[*b].total_cmp(&self.d[*a]));
        self.d = order.iter().map(|i| self.d[*i]).collect();
        self.u = (0..n * n).map(|at| self.u[at / n * n + order[at % n]]).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A covariance of n features: made of numbers without a pattern.
    fn covariance(n: usize) -> Vec<f64> {
        let x = |i: usize, j: usize| ((i * 31 + j * 17) % 23) as f64 - 11.0 + (i * j % 7) as f64 / 3.0;
        let at = |a: usize, b: usize| (0..2 * n).map(|row| x(row, a) * x(row, b)).sum();
        (0..n * n).map(|i| at(i / n, i % n)).collect()
    }

    #[test]
    fn vectors_are_orthogonal_and_turn_the_matrix_into_its_values() {
        for n in [2, 3, 7, 20, 40] {
            let matrix = covariance(n);
            let (values, vectors) = left_singular(n, matrix.clone()).unwrap();
            assert!(values.is_sorted_by(|a, b| a >= b));
            let column = |j: usize| (0..n).map(|i| vectors.row(i)[j]).collect::<Vec<f64>>();
            for j in 0..n {
                let v = column(j);
                let length: f64 = v.iter().map(|x| x * x).sum();
                assert!((length - 1.0).abs() < 1e-12);
                for i in 0..n {
                    let product: f64 = (0..n).map(|k| matrix[i * n + k] * v[k]).sum();
                    assert!((product - values[j] * v[i]).abs() < 1e-9 * values[0], "{n} {j}");
                }
            }
        }
    }

    #[test]
    fn degenerate_matrices_have_vectors_too() {
        let (values, _) = left_singular(3, vec![0.0; 9]).unwrap();
        assert_eq!(values, [0.0, 0.0, 0.0]);
        let (values, vectors) = left_singular(3, identity(3)).unwrap();
        assert_eq!((values, vectors), (vec![1.0; 3], Matrix::new(3, 3, identity(3))));
        assert!(left_singular(2, vec![1.0, f64::NAN, 0.0, 1.0]).is_none());
    }
}
