// Losses of one logit and one label in [0, 1] per entry, value and gradient in one pass.
//
// With z = exp(-|x|) in (0, 1]: softplus(|x|) = |x| + log1p(z) and softplus(-|x|) = log1p(z); powers of p and of 1 - p are exp of these.
// Entries of coefficient 0 have no part in anything, whatever stands there.
#include "exact.h"

namespace {

constexpr int64_t BLOCK = 256;  // a float sum this long is good to the last digit; the sums of blocks are doubles

enum Kind { BCE = 0, FOCAL = 1 };

// log(1 + z) for z in [0, 1] = 2 atanh(z / (2 + z)): a series without subtraction; times z last, which may be subnormal.
inline float log1p_of(float z) {
  const float h = 2.0f / (2.0f + z), f = 0.5f * z * h, g = f * f;
  float p = 1.0f / 15;
  for (int term = 13; term >= 3; term -= 2) p = p * g + 1.0f / float(term);
  return z * (h + h * g * p);
}

inline double log1p_of(double z) {
  const double h = 2.0 / (2.0 + z), f = 0.5 * z * h, g = f * f;
  double p = 1.0 / 35;
  for (int term = 33; term >= 3; term -= 2) p = p * g + 1.0 / double(term);
  return z * (h + h * g * p);
}

template <class T, int KIND>
inline T entry(T x, T y, T a, T b, T gamma, T* slope) {
  const T size = x < 0 ? -x : x, z = exp_of(-size), near = log1p_of(z), far = size + near;
  const T large = T(1) / (T(1) + z), small = z * large;
  const T p = x < 0 ? small : large, not_p = x < 0 ? large : small;
  const T one = x < 0 ? far : near, zero = x < 0 ? near : far;  // -log p, -log(1 - p)
  const T wants = a * y, refuses = b * (T(1) - y);
  if (KIND == BCE) {
    *slope = refuses * p - wants * not_p;
    return wants * one + refuses * zero;
  }
  const T power_one = exp_of(-gamma * zero), power_zero = exp_of(-gamma * one);
  *slope = refuses * power_zero * (gamma * not_p * zero + p) - wants * power_one * (gamma * p * one + not_p);
  return wants * power_one * one + refuses * power_zero * zero;
}

template <class T, int KIND, bool WEIGHTED, bool EACH>
double entries(const T* x, const T* y, const T* c, int64_t n, double scale, double a, double b, double gamma, T* g, T* each) {
  double total = 0;
  T scratch[BLOCK];
  for (int64_t start = 0; start < n; start += BLOCK) {
    const int64_t count = n - start < BLOCK ? n - start : BLOCK;
    T* out = g ? g + start : scratch;
    T lanes = 0;
#pragma omp simd reduction(+ : lanes)
    for (int64_t j = 0; j < count; ++j) {
      T slope;
      const T value = entry<T, KIND>(x[start + j], y[start + j], T(a), T(b), T(gamma), &slope);
      const T share = WEIGHTED ? c[start + j] : T(1);
      const T counted = share == 0 ? T(0) : share * value;
      lanes += counted;
      out[j] = share == 0 ? T(0) : slope * T(share * T(scale));
      if (EACH) each[start + j] = counted * T(scale);
    }
    total += lanes;
  }
  return total * scale;
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
// each is. c: coefficients, or null for ones. a, b: what labels 1 and 0 count. Returns 0, or 1 where a coefficient is negative or a
// label that counts is outside [0, 1].
extern "C" int64_t label_entries(int64_t kind, const REAL* x, const REAL* y, const REAL* c, int64_t n, int64_t width, int64_t inner,
                                 double scale, double a, double b, double gamma, REAL* g, REAL* each, double* total) {
  n *= width * inner;
  for (int64_t start = 0; start < n; start += 4096) {
    if (is_wrong(y + start, c ? c + start : nullptr, n - start < 4096 ? n - start : 4096)) return 1;
  }
  constexpr decltype(&run<REAL, BCE>) runs[] = {run<REAL, BCE>, run<REAL, FOCAL>};
  *total = runs[kind](x, y, c, n, scale, a, b, gamma, g, each);
  return 0;
}
