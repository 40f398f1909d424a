// Cross-entropy of a row's softmax against shares of all classes, value and gradient in one pass over the row.
//
// With d_j = x_j - top and s the sum of exp(d_j) of the others: value = sum of q_j (log1p(s) - d_j). In doubles, since a gradient is
// the small difference of a probability and a share. Rows of coefficient 0 are never read; nor are logits of share 0 in the sum of d.
#include <cmath>
#include <cstdint>
#include <memory>

#include "exact.h"

namespace {

template <class T>
double row(const T* x, const T* q, int64_t n, double k, double* e, T* g) {
  T most = x[0];
#pragma omp simd reduction(max : most)
  for (int64_t j = 1; j < n; ++j) most = x[j] > most ? x[j] : most;
  int64_t at = 0;
  while (at < n - 1 && !(x[at] == most)) ++at;
  const double top = most;
  double s = 0, whole = 0, gap = 0;
#pragma omp simd reduction(+ : s, whole, gap)
  for (int64_t j = 0; j < n; ++j) {
    const double d = double(x[j]) - top, power = exp_for<T>(d), share = q[j];
    e[j] = power, s += j == at ? 0.0 : power;
    whole += share, gap += share == 0 ? 0.0 : share * d;
  }
  const double factor = whole / (1.0 + s);
#pragma omp simd
  for (int64_t j = 0; j < (g ? n : 0); ++j) g[j] = T(k * (e[j] * factor - double(q[j])));
  return whole * std::log1p(s) - gap;
}

}  // namespace

// Sum of coefficient x value x scale over n_rows rows of n logits; its gradient where g is given (g may be x), the summands where each
// is. q: shares as the logits; c: coefficients, or null for ones. Returns 0, or 1 where a share that counts is outside [0, 1].
extern "C" int64_t soft_rows(int64_t, const REAL* x, const REAL* q, const REAL* c, int64_t n_rows, int64_t n, int64_t, double scale,
                             double, double, double, REAL* g, REAL* each, double* total) {
  for (int64_t i = 0; i < n_rows; ++i) {
    int wrong = 0;
#pragma omp simd reduction(| : wrong)
    for (int64_t j = 0; j < n; ++j) wrong |= (q[i * n + j] < 0) | (q[i * n + j] > 1);
    if (wrong && (!c || c[i] != 0)) return 1;
  }
  std::unique_ptr<double[]> e(new double[n]);
  *total = 0;
  for (int64_t i = 0; i < n_rows; ++i) {
    const double k = scale * (c ? double(c[i]) : 1.0);
    double value = 0;
    if (k != 0) value = k * row(x + i * n, q + i * n, n, k, e.get(), g ? g + i * n : nullptr);
    for (int64_t j = 0; j < (g && k == 0 ? n : 0); ++j) g[i * n + j] = 0;
    *total += value;
    if (each) each[i] = REAL(value);
  }
  return 0;
}
