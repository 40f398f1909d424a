// Losses of one number and one target per entry, value and gradient in one pass.
//
// In doubles, whatever the entries are: beside the memory's time that costs nothing, and floats come out correctly rounded.
// Entries of coefficient 0 have no part in anything, whatever stands there.
#include <cstdint>

namespace {

constexpr int64_t BLOCK = 256;  // entries whose sum is one step of the total's sum

enum Kind { MSE = 0, L1 = 1, HUBER = 2, SMOOTH_L1 = 3, QUANTILE = 4, EXPECTILE = 5 };

// r = input - target; a, b: the numbers of the loss.
template <int KIND>
inline double entry(double r, double a, double b, double* slope) {
  if (KIND == MSE) return *slope = r + r, r * r;
  const double low = r < 0 ? -r : 0.0, high = r > 0 ? r : 0.0;  // a: what too low costs; b: too high
  if (KIND == L1) return *slope = r > 0 ? 1.0 : r < 0 ? -1.0 : r, r != r ? r : low + high;
  if (KIND == QUANTILE) return *slope = r > 0 ? b : r < 0 ? -a : r, r != r ? r : a * low + b * high;
  if (KIND == EXPECTILE) return *slope = r != r ? r : 2 * (b * high - a * low), r != r ? r : a * low * low + b * high * high;
  const double inside = r < -a ? -a : r > a ? a : r;  // linear beyond a; b: what all is multiplied with
  return *slope = b * inside, b * inside * (r - 0.5 * inside);
}

template <class T, int KIND, bool WEIGHTED, bool EACH>
double entries(const T* x, const T* y, const T* c, int64_t n, double scale, double a, double b, T* g, T* each) {
  double total = 0;
  T scratch[BLOCK];
  for (int64_t start = 0; start < n; start += BLOCK) {
    const int64_t count = n - start < BLOCK ? n - start : BLOCK;
    T* out = g ? g + start : scratch;
    double lanes = 0;
#pragma omp simd reduction(+ : lanes)
    for (int64_t j = 0; j < count; ++j) {
      double slope;
      const double share = WEIGHTED ? double(c[start + j]) * scale : scale;
      const double value = entry<KIND>(double(x[start + j]) - double(y[start + j]), a, b, &slope);
      const double counted = WEIGHTED && share == 0 ? 0.0 : share * value;
      lanes += counted;
      if (EACH) each[start + j] = T(counted);
      out[j] = T(WEIGHTED && share == 0 ? 0.0 : share * slope);
    }
    total += lanes;
  }
  return total;
}

template <class T, int KIND>
double run(const T* x, const T* y, const T* c, int64_t n, double scale, double a, double b, T* g, T* each) {
  if (each) return (c ? entries<T, KIND, true, true> : entries<T, KIND, false, true>)(x, y, c, n, scale, a, b, g, each);
  return (c ? entries<T, KIND, true, false> : entries<T, KIND, false, false>)(x, y, c, n, scale, a, b, g, each);
}

}  // namespace

// Sum of coefficient x value x scale over n x width x inner entries; its gradient where g is given (g may be x), the summands where
// each is. c: coefficients, or null for ones. Returns 0, or 1 where a coefficient is negative.
extern "C" int64_t number_entries(int64_t kind, const REAL* x, const REAL* y, const REAL* c, int64_t n, int64_t width, int64_t inner,
                                  double scale, double a, double b, double, REAL* g, REAL* each, double* total) {
  n *= width * inner;
  int wrong = 0;
#pragma omp simd reduction(| : wrong)
  for (int64_t j = 0; j < (c ? n : 0); ++j) wrong |= !(c[j] >= 0);
  if (wrong) return 1;
  constexpr decltype(&run<REAL, MSE>) runs[] = {run<REAL, MSE>, run<REAL, L1>, run<REAL, HUBER>, run<REAL, SMOOTH_L1>, run<REAL, QUANTILE>,
                                                run<REAL, EXPECTILE>};
  *total = runs[kind](x, y, c, n, scale, a, b, g, each);
  return 0;
}
