// Adafactor: one pass for the mean squares and the norm of the weights, one for the norm of the update, one that writes.
// Compiled with -DREAL=float or -DREAL=double.
//
// g / sqrt(row * column / mean(row)) is g * (1 / sqrt(row / mean(row))) * (1 / sqrt(column)): two roots for each row and
// column instead of one for each element. Sums of a whole tensor are doubles, those of a row or column REAL.
#include <cmath>
#include <cstdint>
#include <vector>

namespace {
using R = REAL;
constexpr int64_t ROWS = 64;  // rows whose squares are added up together: a long column loses no digits

enum Number { FRESH, LEAST, LR, EPS2, D, SHRINK, SIGN, N_NUMBERS };

struct Tensors {
  R *param, *grad, *row, *column, *variance;
};

inline R lerp(R a, R b, R w) { return std::fabs(w) < R(0.5) ? a + w * (b - a) : b - (b - a) * (R(1) - w); }
inline R at_least(R a, R low) { return a < low ? low : a; }
inline R at_most(R a, R high) { return a > high ? high : a; }
inline double at_least_wide(double a, double low) { return a < low ? low : a; }

double squared_norm(const R* x, int64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += double(x[i]) * double(x[i]);
  return sum;
}

// A matrix, its mean squares, and what they make of a gradient: by_row * by_column, at most `most`.
struct Matrix {
  R *param, *grad, *row, *column;
  R *by_row, *by_column, *part;  // memory for it
  int64_t rows, columns;
  R least;

  // New mean squares.
  void measure(R fresh) {
    for (int64_t j = 0; j < columns; ++j) by_column[j] = 0;
    for (int64_t first = 0; first < rows; first += ROWS) {
      const int64_t last = first + ROWS < rows ? first + ROWS : rows;
      for (int64_t j = 0; j < columns; ++j) part[j] = 0;
      for (int64_t i = first; i < last; ++i) {
        const R* __restrict__ g = grad + i * columns;
        R* __restrict__ to = part;
        R sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t j = 0; j < columns; ++j) {
          const R square = g[j] * g[j];
          sum += square;
          to[j] += square;
        }
        row[i] = lerp(row[i], sum / R(columns), fresh);
      }
      for (int64_t j = 0; j < columns; ++j) by_column[j] += part[j];
    }
    for (int64_t j = 0; j < columns; ++j) column[j] = lerp(column[j], by_column[j] / R(rows), fresh);
  }

  // by_row and by_column from the mean squares.
  void invert() {
    double sum = 0;
    for (int64_t i = 0; i < rows; ++i) sum += row[i];
    const R mean = at_least(R(sum / double(rows)), least);
    for (int64_t i = 0; i < rows; ++i) by_row[i] = R(1) / std::sqrt(row[i] / mean);
    for (int64_t j = 0; j < columns; ++j) by_column[j] = R(1) / std::sqrt(column[j]);
  }

  double squares_of_update() const {
    const R most = R(1) / least;
    double sum = 0;
    for (int64_t i = 0; i < rows; ++i) {
      const R *g = grad + i * columns, r = by_row[i];
#pragma omp simd reduction(+ : sum)
      for (int64_t j = 0; j < columns; ++j) {
        const R update = g[j] * at_most(r * by_column[j], most);
        sum += double(update) * double(update);
      }
    }
    return sum;
  }

  void move(R factor, R shrink) const {
    const R most = R(1) / least;
    for (int64_t i = 0; i < rows; ++i) {
      const R *__restrict__ g = grad + i * columns, *__restrict__ c = by_column, r = by_row[i];
      R* __restrict__ p = param + i * columns;
#pragma omp simd
      for (int64_t j = 0; j < columns; ++j) p[j] = p[j] * shrink - factor * (g[j] * at_most(r * c[j], most));
    }
  }
};

// How far the unit of a tensor's update goes; squares: of all its updates.
R factor_of(const double* numbers, const R* param, int64_t n, double squares) {
  const double width = std::sqrt(double(n));
  const double rate = at_least_wide(std::sqrt(squared_norm(param, n)) / width, numbers[EPS2]) * numbers[LR];
  return R(numbers[SIGN] * rate / at_least_wide(std::sqrt(squares) / (width * numbers[D]), 1));
}

void step_matrices(const double* numbers, int64_t n_matrices, int64_t rows, int64_t columns, const Tensors& own) {
  std::vector<R> memory(rows + 2 * columns);
  const auto matrix = [&](int64_t k) {
    const int64_t at = k * rows * columns;
    R* free = memory.data();
    return Matrix{own.param + at, own.grad + at, own.row + k * rows, own.column + k * columns, free, free + rows,
                  free + rows + columns, rows, columns, R(numbers[LEAST])};
  };
  double squares = 0;
  for (int64_t k = 0; k < n_matrices; ++k) {
    Matrix one = matrix(k);
    one.measure(R(numbers[FRESH]));
    one.invert();
    squares += one.squares_of_update();
  }
  const R factor = factor_of(numbers, own.param, n_matrices * rows * columns, squares);
  for (int64_t k = 0; k < n_matrices; ++k) {
    Matrix one = matrix(k);
    if (n_matrices > 1) one.invert();
    one.move(factor, R(numbers[SHRINK]));
  }
}

void step_vector(const double* numbers, int64_t n, const Tensors& own) {
  const R fresh = R(numbers[FRESH]), floor = R(numbers[LEAST]) * R(numbers[LEAST]), shrink = R(numbers[SHRINK]);
  R* __restrict__ v = own.variance;
  R* __restrict__ p = own.param;
  const R* __restrict__ g = own.grad;
  double squares = 0;
#pragma omp simd reduction(+ : squares)
  for (int64_t i = 0; i < n; ++i) {
    v[i] = lerp(v[i], g[i] * g[i], fresh);
    const R update = g[i] / std::sqrt(at_least(v[i], floor));
    squares += double(update) * double(update);
  }
  const R factor = factor_of(numbers, p, n, squares);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) p[i] = p[i] * shrink - factor * (g[i] / std::sqrt(at_least(v[i], floor)));
}
}  // namespace

// Tensors first..last: numbers (tensors, N_NUMBERS); shapes (tensors, 3): matrices, rows, columns; places (tensors, 5),
// of which row and column are null where all of a tensor's mean squares are kept.
extern "C" void step(const double* numbers, const int64_t* shapes, const Tensors* places, int64_t first, int64_t last) {
  for (int64_t t = first; t < last; ++t) {
    const int64_t* s = shapes + 3 * t;
    if (places[t].variance) step_vector(numbers + N_NUMBERS * t, s[0] * s[1] * s[2], places[t]);
    else step_matrices(numbers + N_NUMBERS * t, s[0], s[1], s[2], places[t]);
  }
}
