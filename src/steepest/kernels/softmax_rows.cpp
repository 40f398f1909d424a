// Losses of a softmax and a class index, value and gradient in one pass over the logits while they are in the cache.
//
// A row is the logits of one item: they lie side by side, or `inner` apart where items are pixels or words, (N, C, *).
// Per row: top = greatest logit, e_j = exp(x_j - top) of the others, s = their sum; then -log p_y = log1p(s) - (x_y - top), and
// 1 - p_y is a sum of positive numbers. Nothing is subtracted from a rounded 1, as in core/logits.py.
// Exponentials of floats are doubles, but in long rows of very many entries (MANY), which are up to 7 units in the last place off.
// Rows of coefficient 0 are never read. No -ffast-math: a NaN stays a NaN.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

#include "exact.h"

namespace {

constexpr int64_t LANES = 16;    // rows worked on together
constexpr int64_t NARROW = 64;   // rows so short go through the lanes side by side, lest vectors stay half empty
constexpr int64_t CACHED = 8192; // longer rows are finished one by one, while they are in the cache
constexpr int64_t BLOCK = 256;   // a float sum this long is good to the last digit; the sums of blocks are doubles

// log(1 + s) for s >= 0: what 1 + s rounds away comes back as a factor.
inline double log1p_of(double s) {
  double u = 1.0 + s, d = u - 1.0;
  return d == 0.0 ? s : log_of(u) * (s / d);
}

enum Kind { CROSS_ENTROPY = 0, FOCAL = 1, POLY = 2, SMOOTHED = 3 };

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

// e_j = exp(x_j - top) with e_top = 0, and their sum; e may be x itself. gaps: where the sum of x_j - top goes, if SMOOTHED. In numbers of type R.
template <class R, int KIND, class T, class E>
double exps(const T* x, E* e, int64_t n, T top, int64_t at, double* gaps) {
  double sum = 0, gap = 0;
  E part[BLOCK];
  for (int64_t start = 0; start < n; start += BLOCK) {
    const int64_t count = n - start < BLOCK ? n - start : BLOCK;
    E* out = e ? e + start : part;
    const int64_t left_out = at - start;  // outside 0..count-1 but in one block
    R lanes = 0, below = 0;
#pragma omp simd reduction(+ : lanes, below)
    for (int64_t j = 0; j < count; ++j) {
      const R power = j == left_out ? R(0) : exp_below_in<R>(x[start + j], top);
      if (KIND == SMOOTHED) below += R(x[start + j]) - R(top);
      out[j] = E(power), lanes += power;
    }
    sum += lanes, gap += below;
  }
  if (KIND == SMOOTHED) *gaps = gap;
  return sum;
}

// What is known of some rows, one per lane. below = x_y - top <= 0; e_y = exp(below), 0 where y is the top itself; gaps: the sum of
// all x_j - top; slope: the value's derivative by -log p_y.
template <class T>
struct Rows {
  double s[LANES], below[LANES], e_y[LANES], gaps[LANES], share[LANES];
  double value[LANES], slope[LANES], wrong[LANES];  // wrong = 1 - p_y
  int64_t y[LANES], top_at[LANES];
};

// number: what the loss is tuned by; for SMOOTHED the share of the label that goes to all n classes alike.
template <class T, int KIND>
[[gnu::noinline]] void values(Rows<T>& r, int64_t n, double number) {
#pragma omp simd
  for (int64_t i = 0; i < LANES; ++i) {
    const bool is_top = r.top_at[i] == r.y[i];
    const double whole = 1.0 + r.s[i], p = (is_top ? 1.0 : r.e_y[i]) / whole;
    const double others = is_top ? r.s[i] : (r.s[i] - r.e_y[i]) + 1.0;
    const double size = Exact<T>::log1p(r.s[i]), nats = size - r.below[i];
    r.wrong[i] = others / whole;
    if (KIND == CROSS_ENTROPY) {
      r.value[i] = nats, r.slope[i] = 1.0;
    } else if (KIND == POLY) {
      r.value[i] = nats + number * r.wrong[i], r.slope[i] = 1.0 + number * p;
    } else if (KIND == SMOOTHED) {
      r.value[i] = (1.0 - number) * nats + number * (size - r.gaps[i] / double(n)), r.slope[i] = 1.0, r.wrong[i] -= number;
    } else {
      const double safe = r.wrong[i] < 1e-300 ? 1e-300 : r.wrong[i];
      const double power = Exact<T>::power(safe, number);
      r.value[i] = power * nats, r.slope[i] = power + number * (power / safe) * p * nats;
    }
  }
}

// What exponentials are kept in until they are gradients: of smoothed labels a share is subtracted, which must not find them rounded.
template <class T, int KIND>
struct Kept {
  using Type = T;
};
template <>
struct Kept<float, SMOOTHED> {
  using Type = double;
};

// Rows of at most NARROW logits, so that each lane holds a row: turned where a row's logits lie side by side (inner = 1).
template <class T, int KIND>
[[gnu::noinline]] void narrow(Rows<T>& r, const T* x, int64_t count, int64_t n, int64_t inner, double scale, double number, T* g) {
  typename Kept<T, KIND>::Type e[NARROW][LANES];
  std::memset(e, 0, n * sizeof e[0]);
  T top[LANES];
  double sum[LANES], gap[LANES], gaps[LANES], e_y[LANES];
  int32_t at[LANES], y[LANES], alive[LANES];
  int n_alive = 0;
  for (int i = 0; i < LANES; ++i) n_alive += alive[i] = i < count && r.share[i] != 0;
  if (inner > 1 && n_alive == LANES) {
    for (int64_t j = 0; j < n; ++j) {
      for (int i = 0; i < LANES; ++i) e[j][i] = x[j * inner + i];
    }
  } else if (inner == 1) {
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t j = 0; j < (alive[i] ? n : 0); ++j) e[j][i] = x[i * n + j];
    }
  } else {
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t i = 0; i < count; ++i) e[j][i] = alive[i] ? x[j * inner + i] : T(0);
    }
  }
  for (int i = 0; i < LANES; ++i) top[i] = T(e[0][i]), at[i] = 0, y[i] = int32_t(r.y[i]), sum[i] = gap[i] = gaps[i] = e_y[i] = 0;
  for (int32_t j = 1; j < n; ++j) {
#pragma omp simd
    for (int i = 0; i < LANES; ++i) {
      const bool above = e[j][i] > top[i];
      top[i] = above ? T(e[j][i]) : top[i], at[i] = above ? j : at[i];
    }
  }
  for (int32_t j = 0; j < n; ++j) {
#pragma omp simd
    for (int i = 0; i < LANES; ++i) {
      const double d = double(e[j][i]) - double(top[i]), power = exp_below_in<double>(T(e[j][i]), top[i]), counted = j == at[i] ? 0.0 : power;
      sum[i] += counted;
      if (KIND == SMOOTHED) gaps[i] += d;
      gap[i] = j == y[i] ? d : gap[i], e_y[i] = j == y[i] ? counted : e_y[i];
      e[j][i] = j == at[i] ? 1.0 : power;
    }
  }
  for (int i = 0; i < LANES; ++i) r.s[i] = sum[i], r.below[i] = gap[i], r.gaps[i] = gaps[i], r.e_y[i] = e_y[i], r.top_at[i] = at[i];
  values<T, KIND>(r, n, number);
  if (!g) return;
  typename Kept<T, KIND>::Type factor[LANES], at_y[LANES], even[LANES];
  for (int i = 0; i < LANES; ++i) {
    const double k = alive[i] ? r.share[i] * scale * r.slope[i] : 0.0;
    even[i] = KIND == SMOOTHED ? k * number / double(n) : 0.0;
    factor[i] = k / (1.0 + r.s[i]), at_y[i] = -k * r.wrong[i] - even[i];
  }
  for (int32_t j = 0; j < n; ++j) {
#pragma omp simd
    for (int i = 0; i < LANES; ++i) e[j][i] = j == y[i] ? at_y[i] : KIND == SMOOTHED ? e[j][i] * factor[i] - even[i] : e[j][i] * factor[i];
  }
  if (inner > 1 && count == LANES) {
    for (int64_t j = 0; j < n; ++j) {
      for (int i = 0; i < LANES; ++i) g[j * inner + i] = T(e[j][i]);
    }
  } else if (inner == 1) {
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t j = 0; j < n; ++j) g[i * n + j] = T(e[j][i]);
    }
  } else {
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t i = 0; i < count; ++i) g[j * inner + i] = T(e[j][i]);
    }
  }
}

template <class T, int KIND>
[[gnu::noinline]] void wide(Rows<T>& r, const T* x, int64_t count, int64_t n, double scale, double number, T* g, bool is_fine) {
  using E = typename Kept<T, KIND>::Type;
  std::unique_ptr<E[]> kept(!std::is_same<T, E>::value && g && is_fine ? new E[count * n] : nullptr);
  for (int64_t i = 0; i < count; ++i) {
    if (r.share[i] == 0) continue;
    const T* in = x + i * n;
    r.top_at[i] = greatest(in, n);
    const T top = in[r.top_at[i]];
    r.below[i] = double(in[r.y[i]]) - double(top), r.e_y[i] = exp_below_in<double>(in[r.y[i]], top);
    if (kept) r.s[i] = exps<double, KIND>(in, &kept[i * n], n, top, r.top_at[i], &r.gaps[i]);
    else r.s[i] = (is_fine ? exps<double, KIND, T, T> : exps<T, KIND, T, T>)(in, g ? g + i * n : nullptr, n, top, r.top_at[i], &r.gaps[i]);
  }
  values<T, KIND>(r, n, number);
  for (int64_t i = 0; g && i < count; ++i) {
    T* out = g + i * n;
    if (r.share[i] == 0) {
      std::memset(out, 0, n * sizeof(T));
      continue;
    }
    const double k = r.share[i] * scale * r.slope[i];
    const E factor = E(k / (1.0 + r.s[i])), even = KIND == SMOOTHED ? E(k * number / double(n)) : E(0);
    if (kept) {
      const E* e = &kept[i * n];
#pragma omp simd
      for (int64_t j = 0; j < n; ++j) out[j] = T(e[j] * factor - even);
    } else {
#pragma omp simd
      for (int64_t j = 0; j < n; ++j) out[j] = KIND == SMOOTHED ? T(out[j] * factor - even) : T(out[j] * T(factor));
    }
    out[r.top_at[i]] = T(factor - even);
    out[r.y[i]] = T(-k * r.wrong[i] - even);
  }
}

// Long rows whose logits lie `inner` apart: turned into memory of their own, and back.
template <class T, int KIND>
void turned(Rows<T>& r, const T* x, int64_t count, int64_t n, int64_t inner, double scale, double number, T* g, T* memory, bool is_fine) {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t i = 0; i < count; ++i) memory[i * n + j] = x[j * inner + i];
  }
  wide<T, KIND>(r, memory, count, n, scale, number, g ? memory : nullptr, is_fine);
  for (int64_t j = 0; j < (g ? n : 0); ++j) {
    for (int64_t i = 0; i < count; ++i) g[j * inner + i] = memory[i * n + j];
  }
}

// One sample of `inner` items, or with inner = 1 n_items rows.
template <class T, int KIND>
double items(const T* x, const int64_t* y, const T* c, int64_t n_items, int64_t n, int64_t inner, double scale, double number, T* g, T* each) {
  double total = 0;
  const bool is_long = n > NARROW, is_fine = n_items * n < MANY;
  const int64_t at_once = !is_long || inner > 1 ? LANES : n > CACHED ? 1 : CACHED / n < LANES ? CACHED / n : LANES;
  std::unique_ptr<T[]> memory(is_long && inner > 1 ? new T[LANES * n] : nullptr);
  for (int64_t first = 0; first < n_items; first += at_once) {
    const int64_t count = n_items - first < at_once ? n_items - first : at_once, place = inner == 1 ? first * n : first;
    Rows<T> r = {};
    for (int64_t i = 0; i < count; ++i) {
      r.share[i] = c ? double(c[first + i]) : 1.0;
      r.y[i] = r.share[i] == 0 ? 0 : y[first + i];
    }
    T* out = g ? g + place : nullptr;
    if (!is_long) narrow<T, KIND>(r, x + place, count, n, inner, scale, number, out);
    else if (inner == 1) wide<T, KIND>(r, x + place, count, n, scale, number, out, is_fine);
    else turned<T, KIND>(r, x + place, count, n, inner, scale, number, out, memory.get(), is_fine);
    for (int64_t i = 0; i < count; ++i) {
      const double counted = r.share[i] == 0 ? 0.0 : r.share[i] * r.value[i];
      total += counted;
      if (each) each[first + i] = T(counted * scale);
    }
  }
  return total * scale;
}

}  // namespace

// Sum of coefficient x value x scale over n_samples x inner items of n logits; its gradient where g is given (g may be x), the summands
// where each is. c: coefficients, or null for ones. Returns 0, or 1 when an item that counts has a label outside 0..n-1; then nothing
// has been written.
extern "C" int64_t softmax_rows(int64_t kind, const REAL* x, const int64_t* y, const REAL* c, int64_t n_samples, int64_t n, int64_t inner,
                                double scale, double number, double, double, REAL* g, REAL* each, double* total) {
  const int64_t n_items = n_samples * inner;
  for (int64_t i = 0; i < n_items; ++i) {
    if ((!c || c[i] != 0) && (y[i] < 0 || y[i] >= n)) return 1;
  }
  constexpr decltype(&items<REAL, FOCAL>) runs[] = {items<REAL, CROSS_ENTROPY>, items<REAL, FOCAL>, items<REAL, POLY>, items<REAL, SMOOTHED>};
  const int64_t at_once = inner == 1 ? n_items : inner;
  *total = 0;
  for (int64_t at = 0; at < n_items; at += at_once) {
    *total += runs[kind](x + at * n, y + at, c ? c + at : nullptr, at_once, n, inner, scale, number, g ? g + at * n : nullptr, each ? each + at : nullptr);
  }
  return 0;
}
