// Losses of a row's softmax, value and gradient in one pass over the row while it is in the cache.
//
// Per row: top = greatest logit, e_j = exp(x_j - top) of the others, s = their sum; then -log p_y = log1p(s) - (x_y - top), and
// 1 - p_y is a sum of positive numbers. Nothing is subtracted from a rounded 1, as in core/logits.py.
// Rows of coefficient 0 are never read. No -ffast-math: a NaN stays a NaN.
#include <cmath>
#include <cstdint>
#include <cstring>

#include "exact.h"

namespace {

constexpr int64_t LANES = 16;    // rows worked on together
constexpr int64_t NARROW = 64;   // rows so short go through the lanes side by side, lest vectors stay half empty
constexpr int64_t CACHED = 8192; // longer rows are finished one by one, while they are in the cache
constexpr int64_t BLOCK = 256;   // a float sum this long is good to the last digit; the sums of blocks are doubles

// log of a normal positive number.
inline double log_of(double v) {
  int64_t raw = bits<int64_t>(v) - 0x3FE6A09E667F3BCD;  // sqrt(1/2): the mantissa lands in [0.71, 1.41)
  int64_t k = raw >> 52;
  double m = bits<double>((raw & 0x000FFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD);
  double f = (m - 1.0) / (m + 1.0), g = f * f;
  double p = 1.0 / 23;
  for (int term = 21; term >= 1; term -= 2) p = p * g + 1.0 / term;
  return 2.0 * f * p + double(k) * 0.6931471805599453;
}

// log(1 + s) for s >= 0: what 1 + s rounds away comes back as a factor.
inline double log1p_of(double s) {
  double u = 1.0 + s, d = u - 1.0;
  return d == 0.0 ? s : log_of(u) * (s / d);
}

enum Kind { CROSS_ENTROPY = 0, FOCAL = 1 };

template <class T> struct Exact;
template <> struct Exact<float> {  // doubles from here on: eight digits to spare
  static double log1p(double s) { return log1p_of(s); }
  static double power(double q, double gamma) { return exp_of(gamma * log_of(q)); }
};
template <> struct Exact<double> {
  static double log1p(double s) { return std::log1p(s); }
  static double power(double q, double gamma) { return std::pow(q, gamma); }
};

// The place of the greatest entry, the first of several; 0 where all are NaN.
template <class T>
int64_t greatest(const T* x, int64_t n) {
  T top = x[0];
  int64_t block = 0;
  for (int64_t start = 0; start < n; start += BLOCK) {
    const int64_t count = n - start < BLOCK ? n - start : BLOCK;
    T here = x[start];
#pragma omp simd reduction(max : here)
    for (int64_t j = 0; j < count; ++j) here = x[start + j] > here ? x[start + j] : here;
    if (here > top) top = here, block = start;
  }
  int64_t at = block;
  while (at < n - 1 && !(x[at] == top)) ++at;
  return at;
}

// e_j = exp(x_j - top) with e_top = 0, and their sum; e may be x itself.
template <class T>
double exps(const T* x, T* e, int64_t n, T top, int64_t at) {
  double sum = 0;
  T part[BLOCK];
  for (int64_t start = 0; start < n; start += BLOCK) {
    const int64_t count = n - start < BLOCK ? n - start : BLOCK;
    T* out = e ? e + start : part;
    const int64_t left_out = at - start;  // outside 0..count-1 but in one block
    T lanes = 0;
#pragma omp simd reduction(+ : lanes)
    for (int64_t j = 0; j < count; ++j) {
      const T power = j == left_out ? T(0) : exp_of(x[start + j] - top);
      out[j] = power, lanes += power;
    }
    sum += lanes;
  }
  return sum;
}

// What is known of some rows, one per lane. below = x_y - top <= 0; e_y = exp(below), 0 where y is the top itself.
template <class T>
struct Rows {
  double s[LANES], below[LANES], e_y[LANES], share[LANES];
  double value[LANES], slope[LANES], wrong[LANES];  // wrong = 1 - p_y
  int64_t y[LANES], top_at[LANES];
};

template <class T, int KIND>
void values(Rows<T>& r, double gamma) {
#pragma omp simd
  for (int64_t i = 0; i < LANES; ++i) {
    const bool is_top = r.top_at[i] == r.y[i];
    const double whole = 1.0 + r.s[i], p = (is_top ? 1.0 : r.e_y[i]) / whole;
    const double others = is_top ? r.s[i] : (r.s[i] - r.e_y[i]) + 1.0;
    const double nats = Exact<T>::log1p(r.s[i]) - r.below[i];
    r.wrong[i] = others / whole;
    if (KIND == CROSS_ENTROPY) {
      r.value[i] = nats, r.slope[i] = 1.0;
    } else {
      const double safe = r.wrong[i] < 1e-300 ? 1e-300 : r.wrong[i];
      const double power = Exact<T>::power(safe, gamma);
      r.value[i] = power * nats, r.slope[i] = power + gamma * (power / safe) * p * nats;
    }
  }
}

// Rows of at most NARROW logits: turned, so that each lane holds a row.
template <class T, int KIND>
void narrow(Rows<T>& r, const T* x, int64_t count, int64_t n, double scale, double gamma, T* g) {
  T e[NARROW][LANES] = {};
  T top[LANES], sum[LANES], gap[LANES], e_y[LANES];
  int32_t at[LANES], y[LANES];
  for (int64_t i = 0; i < count; ++i) {
    if (r.share[i] == 0) continue;
    for (int64_t j = 0; j < n; ++j) e[j][i] = x[i * n + j];
  }
  for (int i = 0; i < LANES; ++i) top[i] = e[0][i], at[i] = 0, y[i] = int32_t(r.y[i]), sum[i] = gap[i] = e_y[i] = 0;
  for (int32_t j = 1; j < n; ++j) {
#pragma omp simd
    for (int i = 0; i < LANES; ++i) {
      const bool above = e[j][i] > top[i];
      top[i] = above ? e[j][i] : top[i], at[i] = above ? j : at[i];
    }
  }
  for (int32_t j = 0; j < n; ++j) {
#pragma omp simd
    for (int i = 0; i < LANES; ++i) {
      const T d = e[j][i] - top[i], power = exp_of(d), counted = j == at[i] ? T(0) : power;
      sum[i] += counted;
      gap[i] = j == y[i] ? d : gap[i], e_y[i] = j == y[i] ? counted : e_y[i];
      e[j][i] = j == at[i] ? T(1) : power;
    }
  }
  for (int i = 0; i < LANES; ++i) r.s[i] = sum[i], r.below[i] = gap[i], r.e_y[i] = e_y[i], r.top_at[i] = at[i];
  values<T, KIND>(r, gamma);
  if (!g) return;
  T factor[LANES], at_y[LANES];
  for (int i = 0; i < LANES; ++i) {
    const double k = r.share[i] == 0 ? 0.0 : r.share[i] * scale * r.slope[i];
    factor[i] = T(k / (1.0 + r.s[i])), at_y[i] = T(-k * r.wrong[i]);
  }
  for (int32_t j = 0; j < n; ++j) {
#pragma omp simd
    for (int i = 0; i < LANES; ++i) e[j][i] = j == y[i] ? at_y[i] : e[j][i] * factor[i];
  }
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < n; ++j) g[i * n + j] = e[j][i];
  }
}

template <class T, int KIND>
void wide(Rows<T>& r, const T* x, int64_t count, int64_t n, double scale, double gamma, T* g) {
  for (int64_t i = 0; i < count; ++i) {
    if (r.share[i] == 0) continue;
    const T* in = x + i * n;
    r.top_at[i] = greatest(in, n);
    const T top = in[r.top_at[i]], gap = in[r.y[i]] - top;
    r.below[i] = gap, r.e_y[i] = exp_of(gap);
    r.s[i] = exps(in, g ? g + i * n : nullptr, n, top, r.top_at[i]);
  }
  values<T, KIND>(r, gamma);
  for (int64_t i = 0; g && i < count; ++i) {
    T* out = g + i * n;
    if (r.share[i] == 0) {
      std::memset(out, 0, n * sizeof(T));
      continue;
    }
    const double k = r.share[i] * scale * r.slope[i];
    const T factor = T(k / (1.0 + r.s[i]));
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) out[j] *= factor;
    out[r.top_at[i]] = factor;
    out[r.y[i]] = T(-k * r.wrong[i]);
  }
}

template <class T, int KIND>
double rows(const T* x, const int64_t* y, const T* c, int64_t n_rows, int64_t n, double scale, double gamma, T* g) {
  double total = 0;
  const int64_t at_once = n > CACHED ? 1 : n > NARROW && CACHED / n < LANES ? CACHED / n : LANES;
  for (int64_t first = 0; first < n_rows; first += at_once) {
    const int64_t count = n_rows - first < at_once ? n_rows - first : at_once;
    Rows<T> r = {};
    for (int64_t i = 0; i < count; ++i) {
      r.share[i] = c ? double(c[first + i]) : 1.0;
      r.y[i] = r.share[i] == 0 ? 0 : y[first + i];
    }
    (n <= NARROW ? narrow<T, KIND> : wide<T, KIND>)(r, x + first * n, count, n, scale, gamma, g ? g + first * n : nullptr);
    for (int64_t i = 0; i < count; ++i) {
      if (r.share[i] != 0) total += r.share[i] * r.value[i];
    }
  }
  return total * scale;
}

template <class T>
double run(int64_t kind, const T* x, const int64_t* y, const T* c, int64_t n_rows, int64_t n, double scale, double gamma, T* g) {
  if (kind == FOCAL) return rows<T, FOCAL>(x, y, c, n_rows, n, scale, gamma, g);
  return rows<T, CROSS_ENTROPY>(x, y, c, n_rows, n, scale, gamma, g);
}

}  // namespace

// Sum of coefficient x value x scale over n_rows rows, and its gradient where g is given (g may be x). c: coefficients, or null for
// ones. Returns 0, or 1 when a row that counts has a label outside 0..n-1; then nothing has been written.
extern "C" int64_t softmax_rows(int64_t is_double, int64_t kind, const void* x, const int64_t* y, const void* c, int64_t n_rows, int64_t n,
                                double scale, double, double, double gamma, void* g, double* total) {
  for (int64_t i = 0; i < n_rows; ++i) {
    const bool counts = !c || (is_double ? ((const double*)c)[i] != 0 : ((const float*)c)[i] != 0);
    if (counts && (y[i] < 0 || y[i] >= n)) return 1;
  }
  if (is_double) *total = run<double>(kind, (const double*)x, y, (const double*)c, n_rows, n, scale, gamma, (double*)g);
  else *total = run<float>(kind, (const float*)x, y, (const float*)c, n_rows, n, scale, gamma, (float*)g);
  return 0;
}
