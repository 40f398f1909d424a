// Losses of one logit and one label in [0, 1] per entry, value and gradient in one pass.
//
// Floats are computed in doubles and rounded once: soft labels lie near probabilities, and powers multiply each rounding. Of very many
// entries, blocks of cross-entropy with labels 0 and 1 stay floats, which is twice as fast and 4 units in the last place off at most.
// With z = exp(-|x|) in (0, 1]: softplus(|x|) = |x| + log1p(z) and softplus(-|x|) = log1p(z); powers of p and of 1 - p are exp of these.
// Entries of coefficient 0 have no part in anything, whatever stands there.
#include "exact.h"

namespace {

constexpr int64_t BLOCK = 256;  // entries whose sum is one step of the total's sum

enum Kind { BCE = 0, FOCAL = 1, ASYMMETRIC = 2, FOCAL_OF_2 = 3 };

// log(1 + z) = 2 atanh(f), f = z / (2 + z) for z in [0, 1]: a series without subtraction; times z last, which may be subnormal.
template <class T, class R>
inline R log1p_of(R z, R h) {  // h = 2 / (2 + z)
  constexpr int LAST = sizeof(R) == 4 ? 15 : sizeof(T) == 4 ? 23 : 35;
  const R f = R(0.5) * z * h, g = f * f;
  R p = R(1) / LAST;
  for (int term = LAST - 2; term >= 3; term -= 2) p = p * g + R(1) / R(term);
  return z * (h + h * g * p);
}

// For results of type T, in numbers of type R.
template <class T, int KIND, class R>
inline R entry(R x, R y, R a, R b, R gamma, R* slope) {
  const R size = x < 0 ? -x : x, z = exp_for<T>(-size), both = R(1) / ((R(1) + z) * (R(2) + z));
  const R near = log1p_of<T>(z, R(2) * (R(1) + z) * both), far = size + near;
  const R large = (R(2) + z) * both, small = z * large;
  const R p = x < 0 ? small : large, not_p = x < 0 ? large : small;
  const R one = x < 0 ? far : near, zero = x < 0 ? near : far;  // -log p, -log(1 - p)
  if (KIND == ASYMMETRIC) {  // a, b: powers of the focus on labels 1 and 0; gamma: the margin
    const bool is_doubtful = p > gamma;
    const double doubt = is_doubtful ? p - gamma : 0.5, rest = not_p + gamma;
    const double present = exp_for<T>(-a * zero), absent = is_doubtful ? exp_for<T>(b * log_of(doubt)) : 0.0, nats = -log_of(rest);
    *slope = R((1 - y) * (b * nats / doubt + 1 / rest) * absent * p * not_p - y * present * (a * p * one + not_p));
    return R(y * present * one + (1 - y) * absent * nats);
  }
  const R wants = a * y, refuses = b * (R(1) - y);
  if (KIND == BCE) {
    *slope = refuses * p - wants * not_p;
    return wants * one + refuses * zero;
  }
  const R power_one = KIND == FOCAL_OF_2 ? not_p * not_p : exp_for<T>(-gamma * zero);
  const R power_zero = KIND == FOCAL_OF_2 ? p * p : exp_for<T>(-gamma * one);
  *slope = refuses * power_zero * (gamma * not_p * zero + p) - wants * power_one * (gamma * p * one + not_p);
  return wants * power_one * one + refuses * power_zero * zero;
}

template <class R, class T, int KIND, bool WEIGHTED, bool EACH>
double block(const T* x, const T* y, const T* c, int64_t count, double scale, double a, double b, double gamma, T* g, T* each) {
  R total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t j = 0; j < count; ++j) {
    R slope;
    const R value = entry<T, KIND, R>(x[j], y[j], R(a), R(b), R(gamma), &slope);
    const R share = WEIGHTED ? R(c[j]) * R(scale) : R(scale);
    const R counted = WEIGHTED && share == 0 ? R(0) : share * value;
    total += counted;
    g[j] = T(WEIGHTED && share == 0 ? R(0) : share * slope);
    if (EACH) each[j] = T(counted);
  }
  return total;
}

template <class T>
bool is_hard(const T* y, int64_t n) {
  int soft = 0;
#pragma omp simd reduction(| : soft)
  for (int64_t j = 0; j < n; ++j) soft |= (y[j] != 0) & (y[j] != 1);
  return !soft;
}

template <class T, int KIND, bool WEIGHTED, bool EACH>
double entries(const T* x, const T* y, const T* c, int64_t n, double scale, double a, double b, double gamma, T* g, T* each) {
  double total = 0;
  T scratch[BLOCK];
  for (int64_t start = 0; start < n; start += BLOCK) {
    const int64_t count = n - start < BLOCK ? n - start : BLOCK;
    const bool is_plain = sizeof(T) == 4 && KIND == BCE && n >= MANY && is_hard(y + start, count);
    auto* chosen = is_plain ? block<T, T, KIND, WEIGHTED, EACH> : block<double, T, KIND, WEIGHTED, EACH>;
    total += chosen(x + start, y + start, WEIGHTED ? c + start : c, count, scale, a, b, gamma, g ? g + start : scratch, EACH ? each + start : each);
  }
  return total;
}

template <class T, int KIND>
double run(const T* x, const T* y, const T* c, int64_t n, double scale, double a, double b, double gamma, T* g, T* each) {
  if (each) return (c ? entries<T, KIND, true, true> : entries<T, KIND, false, true>)(x, y, c, n, scale, a, b, gamma, g, each);
  return (c ? entries<T, KIND, true, false> : entries<T, KIND, false, false>)(x, y, c, n, scale, a, b, gamma, g, each);
}

template <class T>
bool is_wrong(const T* y, const T* c, int64_t n) {
  int wrong = 0;
  if (c) {
#pragma omp simd reduction(| : wrong)
    for (int64_t j = 0; j < n; ++j) wrong |= (!(c[j] >= 0)) | ((c[j] != 0) & ((y[j] < 0) | (y[j] > 1)));
  } else {
#pragma omp simd reduction(| : wrong)
    for (int64_t j = 0; j < n; ++j) wrong |= (y[j] < 0) | (y[j] > 1);
  }
  return wrong;
}

}  // namespace

// Sum of coefficient x value x scale over n x width x inner entries; its gradient where g is given (g may be x), the summands where
// each is. c: coefficients, or null for ones. a, b: what labels 1 and 0 count (ASYMMETRIC: see there). Returns 0, or 1 where a coefficient is negative or a
// label that counts is outside [0, 1].
extern "C" int64_t label_entries(int64_t kind, const REAL* x, const REAL* y, const REAL* c, int64_t n, int64_t width, int64_t inner,
                                 double scale, double a, double b, double gamma, REAL* g, REAL* each, double* total) {
  n *= width * inner;
  for (int64_t start = 0; start < n; start += 4096) {
    if (is_wrong(y + start, c ? c + start : nullptr, n - start < 4096 ? n - start : 4096)) return 1;
  }
  constexpr decltype(&run<REAL, BCE>) runs[] = {run<REAL, BCE>, run<REAL, FOCAL>, run<REAL, ASYMMETRIC>, run<REAL, FOCAL_OF_2>};
  *total = runs[kind == FOCAL && gamma == 2 ? int64_t(FOCAL_OF_2) : kind](x, y, c, n, scale, a, b, gamma, g, each);
  return 0;
}
