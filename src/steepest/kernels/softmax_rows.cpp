// Losses of a row's softmax, value and gradient in one pass over the row while it is in the cache.
//
// Per row: top = greatest logit, e_j = exp(x_j - top) of the others, s = their sum; then -log p_y = log1p(s) - (x_y - top), and
// 1 - p_y is a sum of positive numbers. Nothing is subtracted from a rounded 1, as in core/logits.py.
// Rows of coefficient 0 are never read. No -ffast-math: a NaN stays a NaN.
#include <cmath>
#include <cstdint>

namespace {

constexpr int64_t SCRATCH = 4096;  // logits worked on at once: 16 KB of float stay in L1
constexpr int64_t MAX_ROWS = 512;

template <class To, class From>
inline To bits(From from) { return __builtin_bit_cast(To, from); }

// exp(d) for d <= 0; below -104 (float) and -745 (double) exactly 0, -inf included. Taylor terms reach half an ulp.
inline float exp_of(float d) {
  float clamped = d < -104.0f ? -104.0f : d;
  float shifted = clamped * 1.44269504f + 12582912.0f;
  float n = shifted - 12582912.0f;
  float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  int32_t k = bits<int32_t>(shifted) - 0x4B400000;
  int32_t half = k >> 1;  // in two steps, so that subnormal results are rounded, not lost
  float scaled = p * bits<float>((half + 127) << 23) * bits<float>((k - half + 127) << 23);
  return d < -104.0f ? 0.0f : scaled;
}

inline double exp_of(double d) {
  double clamped = d < -745.0 ? -745.0 : d;
  double shifted = clamped * 1.4426950408889634 + 6755399441055744.0;
  double n = shifted - 6755399441055744.0;
  double r = (clamped - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r * r + r + 1.0;
  int64_t k = bits<int64_t>(shifted) - 0x4338000000000000;
  int64_t half = k >> 1;
  double scaled = p * bits<double>((half + 1023) << 52) * bits<double>((k - half + 1023) << 52);
  return d < -745.0 ? 0.0 : scaled;
}

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

struct Row { double s, below, e; int64_t top; };  // below = x_y - top <= 0, e = exp(below)

enum Kind { CROSS_ENTROPY = 0, FOCAL = 1 };

template <class T> struct Exact;
template <> struct Exact<float> {  // doubles from here on: eight digits to spare
  static double log1p(double s) { return log1p_of(s); }
  static double power(double q, double gamma) { return exp_of(std::fmax(gamma * log_of(q), -745.0)); }
};
template <> struct Exact<double> {
  static double log1p(double s) { return std::log1p(s); }
  static double power(double q, double gamma) { return std::pow(q, gamma); }
};

template <class T>
T greatest(const T* x, int64_t n) {
  T top = x[0];
#pragma omp simd reduction(max : top)
  for (int64_t j = 0; j < n; ++j) top = x[j] > top ? x[j] : top;
  return top;
}

// e_j = exp(x_j - top) with e_top = 0, and their sum; e may be x itself.
template <class T>
double exps(const T* x, T* e, int64_t n, T top, int64_t at) {
  double sum = 0;
  T part[256];
  for (int64_t start = 0; start < n; start += 256) {
    int64_t count = n - start < 256 ? n - start : 256;
    T* out = e ? e + start : part;
#pragma omp simd
    for (int64_t j = 0; j < count; ++j) out[j] = exp_of(x[start + j] - top);
    if (at >= start && at < start + count) out[at - start] = 0;
    T lanes = 0;
#pragma omp simd reduction(+ : lanes)
    for (int64_t j = 0; j < count; ++j) lanes += out[j];
    sum += lanes;
  }
  return sum;
}

template <class T, int KIND>
double rows(const T* x, const int64_t* y, const T* c, int64_t n_rows, int64_t n, double scale, double gamma, T* g) {
  double total = 0;
  const int64_t at_once = n >= SCRATCH ? 1 : (SCRATCH / n < MAX_ROWS ? SCRATCH / n : MAX_ROWS);
  double s[MAX_ROWS], below[MAX_ROWS], e_y[MAX_ROWS], value[MAX_ROWS], slope[MAX_ROWS], q[MAX_ROWS], share[MAX_ROWS];
  int64_t top_at[MAX_ROWS];
  for (int64_t first = 0; first < n_rows; first += at_once) {
    const int64_t count = n_rows - first < at_once ? n_rows - first : at_once;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t row = first + i;
      share[i] = c ? double(c[row]) : 1.0;
      s[i] = below[i] = 0, e_y[i] = 1, top_at[i] = -1;
      if (share[i] == 0) continue;
      const T* in = x + row * n;
      const T top = greatest(in, n);
      int64_t at = 0;
      while (at < n - 1 && !(in[at] == top)) ++at;
      const T gap = in[y[row]] - top;
      top_at[i] = at, below[i] = gap;
      s[i] = exps(in, g ? g + row * n : nullptr, n, top, at);
      e_y[i] = y[row] == at ? 0.0 : double(exp_of(gap));
    }
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) {
      const int64_t is_top = top_at[i] == y[first + i] || top_at[i] < 0;
      const double whole = 1.0 + s[i], p = (is_top ? 1.0 : e_y[i]) / whole;
      const double others = is_top ? s[i] : (s[i] - e_y[i]) + 1.0;
      const double nats = Exact<T>::log1p(s[i]) - below[i];
      q[i] = others / whole;
      if (KIND == CROSS_ENTROPY) {
        value[i] = nats, slope[i] = 1.0;
      } else {
        const double safe = q[i] < 1e-300 ? 1e-300 : q[i];
        const double power = Exact<T>::power(safe, gamma);
        value[i] = power * nats, slope[i] = power + gamma * (power / safe) * p * nats;
      }
    }
    for (int64_t i = 0; i < count; ++i) {
      if (share[i] != 0) total += share[i] * value[i];
    }
    if (!g) continue;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t row = first + i;
      T* out = g + row * n;
      const double k = share[i] == 0 ? 0.0 : share[i] * scale * slope[i];
      const T factor = T(k / (1.0 + s[i]));
      if (share[i] == 0) {
        for (int64_t j = 0; j < n; ++j) out[j] = 0;
        continue;
      }
#pragma omp simd
      for (int64_t j = 0; j < n; ++j) out[j] *= factor;
      out[top_at[i]] = factor;
      out[y[row]] = T(-k * q[i]);
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

// Sum of coefficient x value x scale, and its gradient where g is given (g may be x). c: coefficients, or null for ones.
// Returns 0, or 1 when a row that counts has a label outside 0..n-1; then nothing has been written.
extern "C" int64_t softmax_rows(int64_t is_double, int64_t kind, const void* x, const int64_t* y, const void* c, int64_t n_rows,
                                int64_t n, double scale, double gamma, void* g, void* total) {
  for (int64_t i = 0; i < n_rows; ++i) {
    const bool counts = !c || (is_double ? ((const double*)c)[i] != 0 : ((const float*)c)[i] != 0);
    if (counts && (y[i] < 0 || y[i] >= n)) return 1;
  }
  if (is_double) *(double*)total = run<double>(kind, (const double*)x, y, (const double*)c, n_rows, n, scale, gamma, (double*)g);
  else *(double*)total = run<float>(kind, (const float*)x, y, (const float*)c, n_rows, n, scale, gamma, (float*)g);
  return 0;
}
